"""Launch links: those of the chapters hold to every rule, and each way to go wrong is told apart."""

from __future__ import annotations

import http.server
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import yaml

from ssphub_book import launch, settings
from tests import launch_links
from tests.conftest import ROOT

BOOK = replace(settings.read(ROOT), repository="https://example.org/ssphub/cahiers")
LINKS = launch_links.book_links()
NAME = "apprentissage/imputation"
GITHUB = replace(BOOK, repository="https://github.com/ssphub/cahiers")
GOOD = launch.link(BOOK, NAME, "jupyter-python", "4Gi")
SCRIPT = quote(launch.script(BOOK), safe="")
OPEN, CLOSE = "%C2%AB", "%C2%BB"


@pytest.fixture(scope="module")
def schemas() -> launch_links.Schemas:
    """The charts' schemas, read where they stand: a wrong ONYXIA_SCHEMAS fails, none is a skip."""
    folder = os.environ.get("ONYXIA_SCHEMAS")
    if not folder:
        pytest.skip("ONYXIA_SCHEMAS names no folder: the charts' schemas are not part of this repository")
    return launch_links.read_schemas(Path(folder))


def rules(url: str, schemas: launch_links.Schemas | None = None) -> set[str]:
    return {fault.rule for fault in launch_links.faults(url, schemas)}


def with_value(key: str, value: str) -> str:
    """The good link with one more value, written as the launcher wants it."""
    return f"{GOOD}&{key}={OPEN}{quote(value, safe='')}{CLOSE}"


# --- The links of the book -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LINKS)
def test_a_chapter_s_link_holds_to_the_grammar(name):
    assert launch_links.faults(LINKS[name]) == []


def test_the_links_hold_to_the_schemas_of_their_charts(schemas):
    assert {urlsplit(url).path.rpartition("/")[2] for url in LINKS.values()} <= set(schemas)
    for name, url in LINKS.items():
        assert launch_links.faults(url, schemas) == [], name


def test_what_a_link_is_made_of():
    assert launch.link(GITHUB, NAME, "jupyter-python", "4Gi") == (
        "https://datalab.sspcloud.fr/launcher/ide/jupyter-python?name=cahiers-imputation&autoLaunch=true"
        "&init.personalInit=%C2%ABhttps%3A%2F%2Fraw.githubusercontent.com%2Fssphub%2Fcahiers"
        f"%2Fv{BOOK.release}%2Fsspcloud%2Finit.sh%C2%BB"
        f"&init.personalInitArgs=%C2%ABgithub.com%2Fssphub%2Fcahiers%20v{BOOK.release}"
        "%20apprentissage%2Fimputation%C2%BB&resources.requests.memory=%C2%AB4Gi%C2%BB"
    )


@pytest.mark.parametrize("memory, asked", [("1Gi", False), ("2Gi", False), ("3Gi", True)])
def test_memory_is_asked_for_only_beyond_the_default(memory, asked):
    url = launch.link(BOOK, NAME, "jupyter-python", memory)
    assert (f"resources.requests.memory={OPEN}{memory}{CLOSE}" in url) == asked


@pytest.mark.parametrize(
    "repository, script",
    [
        ("https://github.com/a/b", "https://raw.githubusercontent.com/a/b/{}/sspcloud/init.sh"),
        ("https://github.com/a/b.git/", "https://raw.githubusercontent.com/a/b/{}/sspcloud/init.sh"),
        ("https://git.example.fr/a/b", "https://git.example.fr/a/b/-/raw/{}/sspcloud/init.sh"),
        ("https://git.example.fr/a/b/c", "https://git.example.fr/a/b/c/-/raw/{}/sspcloud/init.sh"),
    ],
)
def test_the_script_is_read_at_its_tag_without_redirection(repository, script):
    book = replace(BOOK, repository=repository)
    assert launch.script(book) == script.format(f"v{BOOK.release}")
    assert launch_links.faults(launch.link(book, NAME, "jupyter-python")) == []


@pytest.mark.parametrize(
    "repository",
    [
        "",
        "http://github.com/a/b",
        "https://github.com/a",
        "https://github.com/a/b?x=1",
        "git@github.com:a/b",
        "https://moi:secret@github.com/a/b",
        "https://github.com/a/../b",
        "https://github.com/a/b c",
        "https://127.0.0.1/a/b",
        "https://github.com/a/é",
        "https://github.com:8443/a/b",
    ],
)
def test_a_repository_that_a_link_cannot_carry_is_refused(repository):
    with pytest.raises(launch.LaunchError, match=r"_config\.yml, repository"):
        launch.link(replace(BOOK, repository=repository), NAME, "jupyter-python")


@pytest.mark.parametrize("release", ["", "main", "2026", "v2026.11", "2026.1", "2026.11-rc1", "2026.11 "])
def test_a_release_that_is_no_dated_tag_is_refused(release):
    with pytest.raises(launch.LaunchError, match=r"_config\.yml, release"):
        launch.link(replace(BOOK, release=release), NAME, "jupyter-python")


@pytest.mark.parametrize("name", ["imputation", "a/b/c", "Thème/a", "a/b c", "a/../b", "a/b;id", "a/-b"])
def test_a_chapter_that_a_link_cannot_name_is_refused(name):
    with pytest.raises(launch.LaunchError, match="nommez le chapitre"):
        launch.link(BOOK, name, "jupyter-python")


@pytest.mark.parametrize("memory", ["4", "4GB", "0Gi", "4 Gi", ""])
def test_a_memory_that_is_none_is_refused(memory):
    with pytest.raises(launch.LaunchError, match="4Gi"):
        launch.link(BOOK, NAME, "jupyter-python", memory)


@pytest.mark.parametrize(
    "repository, home",
    [
        ("https://example.org/a/b", False),
        ("https://git.example.com/a/b", False),
        ("https://github.com/example/b", True),
        ("https://monexample.org/a/b", True),
        ("", False),
    ],
)
def test_whether_the_book_has_its_home(repository, home):
    assert launch.has_home(replace(BOOK, repository=repository)) == home


def test_the_release_is_the_one_to_cite():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"]
    assert cited == BOOK.release
    assert f"\n## {BOOK.release}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


# --- Bad links: each is refused for its own reason ---------------------------------------------------------

ARGUMENTS = quote(" ".join(launch.arguments(BOOK, NAME)), safe="")
TAG = f"v{BOOK.release}"
BAD = {
    "another host": (GOOD.replace("datalab.sspcloud.fr", "datalab.example.fr"), "address"),
    "the catalogue before 2023": (GOOD.replace("/ide/", "/inseefrlab-helm-charts-datascience/"), "address"),
    "a chart that was renamed": (GOOD.replace("jupyter-python", "jupyter"), "chart"),
    "a chart that was removed": (GOOD.replace("jupyter-python", "jupyter-r"), "chart"),
    "a chart that no longer exists": (GOOD.replace("jupyter-python", "jupyter-pyspark-gpu"), "chart"),
    "a pinned chart": (f"{GOOD}&version=2.5.2", "pinned"),
    "a pinned storage": (f"{GOOD}&s3=region-ec97c721", "pinned"),
    "a pinned image": (with_value("service.image.custom.version", "a/b:py3.12.13"), "pinned"),
    "an unknown parameter": (f"{GOOD}&autoOpen=true", "key"),
    "a top-level value without its dot": (with_value("runtimeClassName", "x"), "key"),
    "no script": (GOOD.replace("init.personalInit=", "init.regionInit="), "needed"),
    "no argument": (GOOD.replace("personalInitArgs", "other"), "needed"),
    "no launch": (GOOD.replace("autoLaunch=true", "autoLaunch=false"), "launch"),
    "a name between guillemets": (GOOD.replace("name=cahiers", f"name={OPEN}cahiers"), "name"),
    "bare guillemets": (GOOD.replace(OPEN, "«").replace(CLOSE, "»"), "encoding"),
    "guillemets spoilt by an editor": (GOOD.replace(OPEN, "%22").replace(CLOSE, "%22"), "value needed"),
    "an amount without guillemets": (f"{GOOD}&persistence.size=20Gi", "number"),
    "a version without guillemets": (f"{GOOD}&git.branch=3.12.1", "number"),
    "a word without guillemets": (f"{GOOD}&git.branch=main", "value"),
    "a bare = in a value": (with_value("git.branch", "a=b").replace("%3D", "="), "equal"),
    "no = at all": (f"{GOOD}&shared", "equal"),
    "a key twice": (f"{GOOD}&autoLaunch=true", "twice"),
    "a + for a space": (GOOD.replace("%20", "+"), "plus needed"),
    "an ampersand of HTML": (GOOD.replace("&", "&amp;"), "key needed"),
    "an argument that YAML would misread": (GOOD.replace(ARGUMENTS, "2026"), "arguments"),
    "an argument that ends the line": (GOOD.replace(ARGUMENTS, f"{ARGUMENTS}%20%23b"), "arguments"),
    "an argument with quotes": (GOOD.replace(ARGUMENTS, f"%27{ARGUMENTS}%27"), "arguments"),
    "an argument more": (GOOD.replace(ARGUMENTS, f"{ARGUMENTS}%20false"), "arguments chapter"),
    "another tag than the script's": (GOOD.replace(f"%20{TAG}", "%20v2025.01"), "arguments"),
    "another repository than the script's": (GOOD.replace(f"{OPEN}example.org", f"{OPEN}a"), "arguments"),
    "a chapter that was renamed": (GOOD.replace("%2Fimputation", "%2Fimputer"), "chapter"),
    "a branch, not a tag": (GOOD.replace(TAG, "main"), "tag"),
    "a script that is not there": (GOOD.replace("init.sh", "init-jupyter.sh"), "script"),
    "an address that redirects": (
        GOOD.replace(SCRIPT, quote(f"https://github.com/ssphub/cahiers/raw/{TAG}/sspcloud/init.sh", safe="")),
        "script",
    ),
    "a GitLab address of GitHub": (GOOD.replace("example.org", "github.com"), "script"),
    "a script without https": (GOOD.replace(f"{OPEN}https", f"{OPEN}http"), "script"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_link_is_refused_for_its_own_reason(case):
    url, reasons = BAD[case]
    assert url != GOOD
    assert rules(url) == set(reasons.split())


BAD_FOR_THE_SCHEMA = {
    "a path that was renamed": (f"{GOOD}&security.allowlist.enabled=false", "path"),
    "the old name of a service": (with_value("onyxia.friendlyName", "imputation"), "path"),
    "a path of another chart": (f"{GOOD}&git.asCodeServerRoot=true", "path"),
    "a path of an array's item": (with_value("extraEnvVars[0].nom", "X"), "path"),
    "an image out of the list": (
        with_value("service.image.version", "inseefrlab/onyxia-jupyter-python:py3.9.16"),
        "pinned choice",
    ),
    "a role that does not exist": (with_value("kubernetes.role", "owner"), "choice"),
    "a policy out of the list": (with_value("service.image.pullPolicy", "Often"), "pinned choice"),
    "a text for a yes or no": (with_value("git.enabled", "false"), "type"),
    "a number for a text": (f"{GOOD}&persistence.size=20", "type"),
    "an amount in another unit": (with_value("persistence.size", "20G"), "unit"),
    "an amount without unit": (with_value("persistence.size", "20"), "unit"),
    "too much": (with_value("persistence.size", "101Gi"), "bounds"),
    "too little": (with_value("resources.requests.cpu", "10m"), "bounds"),
}
GOOD_FOR_THE_SCHEMA = {
    "a size": with_value("persistence.size", "20Gi"),
    "a role": with_value("kubernetes.role", "view"),
    "a variable": with_value("extraEnvVars[0].name", "NOM"),
    "no repository of the user": f"{GOOD}&git.enabled=false",
    "a top-level value": with_value("runtimeClassName.", "x"),
    "Spark's own name of a setting": with_value("spark.userConfig.spark%5C.executor%5C.memory", "2g").replace(
        "jupyter-python", "jupyter-pyspark"
    ),
    "a graphics card": with_value("resources.limits.nvidia%5C.com/gpu", "1").replace(
        "jupyter-python", "jupyter-pytorch-gpu"
    ),
}


@pytest.mark.parametrize("case", BAD_FOR_THE_SCHEMA)
def test_a_link_that_the_schema_refuses(case, schemas):
    url, reasons = BAD_FOR_THE_SCHEMA[case]
    assert rules(url, schemas) == set(reasons.split())
    assert rules(url) == set(reasons.split()) & {"pinned"}, "the grammar alone has nothing against it"


@pytest.mark.parametrize("case", GOOD_FOR_THE_SCHEMA)
def test_a_link_that_the_schema_accepts(case, schemas):
    assert rules(GOOD_FOR_THE_SCHEMA[case], schemas) == set()


def test_an_old_name_of_spark_s_page(schemas):
    url = launch.link(BOOK, NAME, "jupyter-pyspark")
    assert rules(f"{url}&spark.ui=true", schemas) == set()
    assert rules(f"{url}&spark.sparkui=true", schemas) == {"path"}


def test_an_instance_s_own_part_takes_the_place_of_the_chart_s(tmp_path):
    own = {"type": "object", "properties": {"personalInit": {"type": "string"}}}
    chart = {"properties": {"init": {"x-onyxia": {"overwriteSchemaWith": "ide/init.json"}, "properties": {}}}}
    (tmp_path / "overrides/ide").mkdir(parents=True)
    (tmp_path / "overrides/ide/init.json").write_text(json.dumps(own))
    (tmp_path / "jupyter-python.values.schema.json").write_text(json.dumps(chart))
    plain, overridden = launch_links.read_schemas(tmp_path)["jupyter-python"]
    assert plain == chart
    assert overridden == {"properties": {"init": own}}


def test_a_folder_without_schemas_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="schema"):
        launch_links.read_schemas(tmp_path)


# --- The nightly comparison, against a catalogue of our own ------------------------------------------------

STRING = {"type": "string"}
MEMORY = {"type": "string", "render": "slider", "sliderUnit": "Gi", "sliderMin": 1, "sliderMax": 200}
LIVE = {
    "properties": {
        "init": {"properties": {"personalInit": STRING, "personalInitArgs": STRING}},
        "resources": {"properties": {"requests": {"properties": {"memory": MEMORY}}}},
    }
}


@pytest.fixture
def catalogue(tmp_path) -> Iterator[str]:
    """A catalogue on loopback; the tests write it with `publish`."""
    handler = partial(QuietHandler, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/index.yaml"
    server.shutdown()
    server.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


def publish(folder: Path, releases: dict[str, dict[str, dict]]) -> None:
    """Write an index and its packages, from the schema of each version of each chart."""
    entries = {}
    for chart, versions in releases.items():
        entries[chart] = [{"version": v, "urls": [f"packages/{chart}-{v}.tgz"]} for v in versions]
        for version, schema in versions.items():
            package = folder / "packages" / f"{chart}-{version}.tgz"
            package.parent.mkdir(exist_ok=True)
            data = json.dumps(schema).encode()
            with tarfile.open(package, "w:gz") as archive:
                entry = tarfile.TarInfo(f"{chart}/values.schema.json")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    (folder / "index.yaml").write_text(yaml.safe_dump({"entries": entries}))


def without(*path: str) -> dict:
    """The live schema less one of its paths."""
    schema = json.loads(json.dumps(LIVE))
    node = schema
    for name in path[:-1]:
        node = node["properties"][name]
    del node["properties"][path[-1]]
    return schema


def test_the_live_catalogue_still_takes_our_links(catalogue, tmp_path, capsys):
    old = {"2.5.2": without("init"), "2.10.0": LIVE, "2.11.0-rc1": without("init"), "2.9.1": without("init")}
    publish(tmp_path, {"jupyter-python": old, "jupyter-pyspark": {"3.2.2": LIVE}})
    assert launch_links.main(["--live", catalogue]) == 0
    assert (
        f"{len(LINKS)} links against jupyter-pyspark, jupyter-python: 0 fault(s)." in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    "schema, said",
    [
        (without("init", "personalInitArgs"), "path: init.personalInitArgs"),
        (without("resources", "requests", "memory"), "path: resources.requests.memory"),
        (
            {"properties": LIVE["properties"] | {"init": {"properties": {"personalInit": {"enum": ["a"]}}}}},
            "choice: init.personalInit",
        ),
        (None, "chart: no chart jupyter-python"),
    ],
)
def test_a_path_a_choice_or_a_chart_that_vanished_is_told(catalogue, tmp_path, capsys, schema, said):
    releases = {"jupyter-pyspark": {"3.2.2": LIVE}} | (
        {"jupyter-python": {"2.6.0": schema}} if schema else {}
    )
    publish(tmp_path, releases)
    assert launch_links.main(["--live", catalogue]) == 1
    assert f"{NAME}: {said}" in capsys.readouterr().out


def test_an_empty_catalogue_is_no_success(catalogue, tmp_path):
    publish(tmp_path, {})
    assert launch_links.main(["--live", catalogue]) == 1
