"""Whether a launch link of SSP Cloud would work, from the rules that Onyxia's source sets.

Onyxia applies a link without checking it: a wrong path is passed on in silence, a wrong value breaks
the page or the installation. Each rule below is one way for a link to go wrong. The charts' schemas are
read where they stand, in the folder that `ONYXIA_SCHEMAS` names (see its SOURCE.txt).

    python -m tests.launch_links --live [INDEX]

checks every chapter's link against the schemas of the live catalogue, and ends with 1 where one fails.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
import tarfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

import yaml

from ssphub_book import chapters, launch, settings

ROOT = Path(__file__).resolve().parent.parent
INDEX = "https://inseefrlab.github.io/helm-charts-interactive-services/index.yaml"
HOST, CATALOGUE = "datalab.sspcloud.fr", "ide"
CHARTS = frozenset({"jupyter-python", "jupyter-pyspark"})  # those that the chapters may ask for
PLAIN = frozenset({"name", "version", "s3"})  # read as they are written
TOP_LEVEL = PLAIN | {"shared", "autoLaunch"}
NEEDED = ("name", "autoLaunch", "init.personalInit", "init.personalInitArgs")
PINNED = re.compile(r"version|s3|service\.image\..*")  # what SSP Cloud changes within weeks

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
QUOTED = re.compile(r"«([^»]*)»")
KEY = re.compile(r"[\w.\[\]\\/-]+", re.ASCII)
ARGUMENTS = re.compile(r"[A-Za-z][A-Za-z0-9 ._/-]*")
RAW = re.compile(
    r"https://(?:raw\.githubusercontent\.com/(?P<github>[^/]+/[^/]+)"
    r"|(?P<gitlab>(?!github\.com/)[^/]+/.+?)/-/raw)/(?P<tag>[^/]+)/(?P<file>.+)"
)
TAG = re.compile(r"v\d{4}\.\d{2}(\.\d+)?")


class Fault(NamedTuple):
    """One way in which a link fails: the rule's name, and what broke it."""

    rule: str
    message: str


class Absent(Exception):
    """A path that a schema does not hold."""


Schemas = dict[str, list[dict]]  # for each chart, its schema as it is, and as an instance may change it


def faults(url: str, schemas: Schemas | None = None, root: Path = ROOT) -> list[Fault]:
    """Everything that is wrong with a link; rules on schemas are left out where none are given."""
    chart, found = _address(url, schemas)
    values, more = _values(urlsplit(url).query)
    found += more
    found += [Fault("needed", f"{key} is missing") for key in NEEDED if key not in values]
    found += [Fault("pinned", f"{key} goes stale") for key in values if PINNED.fullmatch(key)]
    if "init.personalInit" in values and "init.personalInitArgs" in values:
        found += _script(str(values["init.personalInit"]), str(values["init.personalInitArgs"]), root)
    for schema in (schemas or {}).get(chart, []):
        for key, value in values.items():
            if key not in TOP_LEVEL:
                found += _against(schema, key, value)
    return list(dict.fromkeys(found))


# --- The grammar ---------------------------------------------------------------------------------------


def _address(url: str, schemas: Schemas | None) -> tuple[str, list[Fault]]:
    parts = urlsplit(url)
    found = []
    if not url.isascii():
        found.append(Fault("encoding", "not percent-encoded: an editor may spoil it"))
    path = re.fullmatch(r"/launcher/([^/]+)/([^/]+)", parts.path)
    if (parts.scheme, parts.netloc) != ("https", HOST) or path is None or path[1] != CATALOGUE:
        return "", [*found, Fault("address", f"not https://{HOST}/launcher/{CATALOGUE}/CHART")]
    if path[2] not in (schemas or CHARTS):
        found.append(Fault("chart", f"no chart {path[2]}"))
    return path[2], found


def _values(query: str) -> tuple[dict[str, object], list[Fault]]:
    """What the link sets, read as Onyxia reads it."""
    values: dict[str, object] = {}
    found = []
    for part in query.split("&"):
        key, equal, raw = part.partition("=")
        key, value = unquote(key), unquote(raw)
        if not equal or "=" in raw:
            found.append(Fault("equal", f"{part}: one = and one only, others are %3D"))
        elif key in values:
            found.append(Fault("twice", key))
        elif "+" in raw:
            found.append(Fault("plus", f"{part}: a + stays a plus, a space is %20"))
        elif not KEY.fullmatch(key) or ("." not in key and key not in TOP_LEVEL):
            found.append(Fault("key", f"{key}: neither a parameter of the launcher nor a path of values"))
        elif key in PLAIN:
            values[key] = value
            if key == "name" and not re.fullmatch(r"[\w -]+", value):
                found.append(Fault("name", f"{value}: plain words, without guillemets"))
        else:
            try:
                values[key] = _value(value)
            except ValueError as error:
                found.append(Fault(str(error), part))
    if "autoLaunch" in values and values["autoLaunch"] is not True:
        found.append(Fault("launch", "autoLaunch is not true"))
    return values, found


def _value(text: str) -> object:
    """One value. Raises ValueError, with the rule's name, where Onyxia would fail or mistake it."""
    known = {"true": True, "false": False, "null": None, "-": None}
    if text in known:
        return known[text]
    if quoted := QUOTED.fullmatch(text):
        return quoted[1]
    if NUMBER.fullmatch(text):
        return float(text)
    raise ValueError("number" if NUMBER.match(text) else "value")


# --- The script, its arguments, and what they name -------------------------------------------------------


def _script(address: str, text: str, root: Path) -> Iterator[Fault]:
    if not ARGUMENTS.fullmatch(text) or "/" not in text or text != " ".join(text.split()):
        yield Fault("arguments", f"{text}: the chart writes them unquoted in YAML, the shell splits them")
        return
    raw = RAW.fullmatch(address)
    if raw is None:
        yield Fault("script", f"{address}: curl follows no redirection, give the file's raw address")
        return
    if not TAG.fullmatch(raw["tag"]):
        yield Fault("tag", f"{raw['tag']} is not the tag of a release")
    if not (root / raw["file"]).is_file():
        yield Fault("script", f"{raw['file']} is not in this repository")
    repository = f"github.com/{raw['github']}" if raw["github"] else raw["gitlab"]
    if text.split()[:-1] != [repository, raw["tag"]]:
        yield Fault("arguments", f"{text}: not the repository and the tag of {address}")
    chapter = text.split()[-1]
    if chapter not in {known.name for known in chapters.find(root)}:
        yield Fault("chapter", f"{chapter} is no chapter of the book")


# --- The schemas -----------------------------------------------------------------------------------------


def _against(schema: dict, key: str, value: object) -> Iterator[Fault]:
    try:
        node = _node(schema, key)
    except Absent as error:
        yield Fault("path", f"{key}: {error}")
        return
    choices = node.get("listEnum") or node.get("enum")
    kind = {str: "string", bool: "boolean", float: "number", type(None): "null"}[type(value)]
    if node.get("type", kind) not in (kind, {"number": "integer"}.get(kind)):
        yield Fault("type", f"{key} is a {node['type']}, not a {kind}")
    elif choices and value not in choices:
        yield Fault("choice", f"{key}: {value} is not one of {', '.join(map(str, choices))}")
    elif node.get("pattern") and not re.search(node["pattern"], str(value)):
        yield Fault("pattern", f"{key}: {value} is not {node['pattern']}")
    elif node.get("render") == "slider":
        yield from _slider(node, key, str(value))


def _node(schema: dict, key: str) -> dict:
    """The part of the schema that a path leads to. Raises Absent where it leads nowhere."""
    node = schema
    for step in re.findall(r"\[\d+\]|(?:\\.|[^.\[\\])+", key):
        if step.startswith("["):
            following = node.get("items")
        else:
            name = step.replace("\\.", ".")
            following = node.get("properties", {}).get(name, node.get("additionalProperties"))
        if not isinstance(following, dict):
            raise Absent(f"no {step} in the schema")
        node = following
    return node


def _slider(node: dict, key: str, value: str) -> Iterator[Fault]:
    unit = node.get("sliderUnit", "")
    number = value.removesuffix(unit)
    if not NUMBER.fullmatch(number) or not value.endswith(unit):
        yield Fault("unit", f"{key}: {value} is not in {unit}")
    elif not node.get("sliderMin", 0) <= float(number) <= node.get("sliderMax", float("inf")):
        yield Fault("bounds", f"{key}: {value} is not within {node['sliderMin']} and {node['sliderMax']}")


def read_schemas(folder: Path) -> Schemas:
    """The schemas of a folder, each as the chart has it and with what an instance may put in its place."""
    files = sorted(folder.glob("*.values.schema.json"))
    if not files:
        raise FileNotFoundError(f"no *.values.schema.json in {folder}")
    plain = {file.name.removesuffix(".values.schema.json"): json.loads(file.read_text()) for file in files}
    return {chart: [schema, _overridden(schema, folder / "overrides")] for chart, schema in plain.items()}


def _overridden(node: object, folder: Path) -> object:
    """A schema where each part that names a file of the instance's own gives way to that file."""
    if isinstance(node, list):
        return [_overridden(item, folder) for item in node]
    if not isinstance(node, dict):
        return node
    file = (node.get("x-onyxia") or {}).get("overwriteSchemaWith")
    if isinstance(file, str) and (folder / file).is_file():
        return json.loads((folder / file).read_text())
    return {key: _overridden(value, folder) for key, value in node.items()}


def live_schemas(index: str, charts: set[str]) -> Schemas:
    """The schemas of the newest release of each chart; a chart that has gone is simply not there."""
    entries = yaml.safe_load(_fetch(index))["entries"]
    return {chart: [_packed(index, chart, entries[chart])] for chart in sorted(charts) if chart in entries}


def _packed(index: str, chart: str, releases: list[dict]) -> dict:
    stable = [release for release in releases if re.fullmatch(r"v?\d+(\.\d+)*", release["version"])]
    newest = max(stable, key=lambda release: [int(n) for n in re.findall(r"\d+", release["version"])])
    packed = io.BytesIO(_fetch(urljoin(index, newest["urls"][0])))
    with tarfile.open(fileobj=packed, mode="r:gz") as archive:
        return json.load(archive.extractfile(f"{chart}/values.schema.json"))


def _fetch(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read()


def book_links(root: Path = ROOT) -> dict[str, str]:
    """The link of each chapter."""
    book = settings.read(root)
    wanted = {chapter.name: chapter.front["sspcloud"] for chapter in chapters.find(root)}
    return {name: launch.link(book, name, want["chart"], want["memoire"]) for name, want in wanted.items()}


def main(arguments: list[str] | None = None) -> int:
    """Compare every chapter's link with the live catalogue; 1 where one would no longer work."""
    parser = argparse.ArgumentParser(prog="python -m tests.launch_links", description=main.__doc__)
    parser.add_argument("--live", nargs="?", const=INDEX, required=True, metavar="INDEX")
    options = parser.parse_args(arguments)
    links = book_links()
    schemas = live_schemas(options.live, {urlsplit(url).path.rpartition("/")[2] for url in links.values()})
    failed = [(name, fault) for name, url in links.items() for fault in faults(url, schemas)]
    for name, fault in failed:
        print(f"{name}: {fault.rule}: {fault.message}")
    print(f"{len(links)} links against {', '.join(schemas) or 'no chart'}: {len(failed)} fault(s).")
    return 1 if failed or not schemas else 0


if __name__ == "__main__":
    sys.exit(main())
