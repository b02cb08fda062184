"""What a launch link does once clicked: the start of a service, simulated on this machine."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import nbformat
import pytest

from ssphub_book import chapters, execution, launch, notebooks, settings
from tests import sspcloud_service
from tests.conftest import ROOT
from tests.sspcloud_service import Service

CHAPTER = "visualisation/graphiques-lisibles"
LIGHT = "essais/leger"
MISSING = "matplotlib"  # what this chapter imports and the simulated image lacks
BOOK = settings.read(ROOT)
TAG = launch.tag(BOOK)
FOLDER = f"cahiers-ssphub-{TAG}"
NOTEBOOK = f"{FOLDER}/notebooks/{CHAPTER}.ipynb"
ERROR_PAGE = "LISEZMOI-ERREUR.ipynb"
START_LIMIT = 300  # seconds: half of what the cluster gives a service to start
NOWHERE = "http://127.0.0.1:9/"


def write_light_chapter(folder: Path) -> None:
    """A chapter that needs no package but Spark, which only the image may bring."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1", id="somme")])
    notebook.metadata["cahiers"] = {"paquets": {"json": "json", "pyspark": "pyspark"}}
    path = folder / "notebooks" / f"{LIGHT}.ipynb"
    path.parent.mkdir()
    nbformat.write(notebook, path)


# --- The world around the service --------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each start on the newest Python that the images have; on the other one too in `make test-all`."""
    if "image" in metafunc.fixturenames:
        first, *others = sspcloud_service.versions() or [""]
        metafunc.parametrize(
            "image",
            [first, *(pytest.param(version, marks=pytest.mark.long) for version in others)],
            indirect=True,
            scope="module",
        )


@pytest.fixture(scope="module")
def image(request) -> Iterator[Path]:
    if not request.param:
        reason = "no Python 3.11 to 3.13 to copy: those of the system and virtual environments do not do"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    with sspcloud_service.copy(sspcloud_service.image(request.param)) as prefix:
        yield prefix


@pytest.fixture(scope="module")
def link() -> str:
    return launch.link(BOOK, CHAPTER, "jupyter-python", "4Gi")


@pytest.fixture(scope="module")
def repository() -> Iterator[Path]:
    """The repository of the book, with the notebooks of this release at their tag."""
    with sspcloud_service.folder("depot-") as folder:
        execution.execute(chapters.find(ROOT))
        notebooks.write_tree(ROOT, folder)
        write_light_chapter(folder)
        identity = ["-c", "user.name=Essai", "-c", "user.email=essai@example.org"]
        for command in (
            ["init", "--quiet", "--initial-branch", "notebooks"],
            ["add", "--all"],
            [*identity, "commit", "--quiet", "--message", "Notebooks"],
            ["tag", launch.NOTEBOOKS_TAG.format(tag=TAG)],
        ):
            subprocess.run(["git", *command], cwd=folder, check=True)
        sspcloud_service.own(folder)
        yield folder


def reached(repository: Path | str) -> dict[str, str]:
    """The variables that have Git find the book's repository here instead of on the network."""
    there = repository if isinstance(repository, str) else repository.as_uri()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{there}.insteadOf",
        "GIT_CONFIG_VALUE_0": BOOK.repository,
    }


@pytest.fixture(scope="module")
def host() -> Iterator[dict[str, bytes]]:
    """The host of the script, on loopback: what it serves by path; `address` is where it is."""
    served: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = served.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(b"404: Not Found" if body is None else body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    served["address"] = f"http://127.0.0.1:{server.server_address[1]}".encode()
    served[urlsplit(launch.script(BOOK)).path] = (ROOT / launch.SCRIPT).read_bytes()
    yield served
    server.shutdown()
    server.server_close()


def from_link(link: str, host: dict[str, bytes]) -> tuple[str, str]:
    """The script's address and its arguments as the link gives them, its host being ours."""
    values = parse_qs(urlsplit(link).query)
    address, arguments = (
        values[f"init.{key}"][0].strip("«»") for key in ("personalInit", "personalInitArgs")
    )
    return address.replace(f"https://{urlsplit(address).netloc}", host["address"].decode()), arguments


def error_text(service: Service) -> str:
    """What the error page says, once sure that it is a notebook of one text."""
    page = nbformat.read(service.work / ERROR_PAGE, as_version=4)
    nbformat.validate(page)
    assert [cell.cell_type for cell in page.cells] == ["markdown"]
    return page.cells[0].source


def opened(service: Service) -> list[str]:
    """What the settings of Jupyter have it open."""
    return re.findall(
        r'^c\.LabApp\.default_url = "/lab/tree/(.*)"$', service.settings.read_text(), re.MULTILINE
    )


# --- A start that goes well --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def started(image, link, host, repository) -> Iterator[tuple[Service, dict[str, str], float]]:
    """A service that has started once from the real link, its packages before that, and its seconds."""
    with sspcloud_service.folder("service-") as folder:
        service = Service(folder, image, reached(repository))
        service.renew()
        before = service.packages()
        begun = time.monotonic()
        done = service.initialise(*from_link(link, host))
        seconds = time.monotonic() - begun
        assert (done.returncode, f"Prêt : {NOTEBOOK}" in done.stdout) == (0, True), done.stdout + done.stderr
        yield service, before, seconds


def test_one_click_opens_the_chapter_s_notebook(started, capsys):
    service, _, seconds = started
    begun = time.monotonic()
    with service.lab() as lab:
        ready = time.monotonic() - begun
        assert lab.opened() == NOTEBOOK
        notebook = lab.notebook(NOTEBOOK)
    with capsys.disabled():
        print(f"\nSSP Cloud: notebook fetched and completed in {seconds:.1f} s, JupyterLab in {ready:.1f} s")
    assert seconds < START_LIMIT
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert any("Des graphiques lisibles" in cell["source"] for cell in notebook["cells"])
    assert not (service.work / ERROR_PAGE).exists()
    assert not (service.work / FOLDER / ".git").exists()


def test_what_the_image_lacks_comes_at_the_book_s_version_and_nothing_else_moves(started):
    service, before, _ = started
    after = service.packages()
    pins = (service.work / FOLDER / "requirements.txt").read_text(encoding="utf-8")
    assert MISSING not in before and f"{MISSING}=={after[MISSING]}" in pins
    assert f"numpy=={before['numpy']}" not in pins, "the image and the book would not differ"
    assert {name: after[name] for name in before} == before
    assert "pyspark" not in after


def test_the_notebook_runs_in_the_service(started):
    service, _, _ = started
    solution = service.work / NOTEBOOK.replace(".ipynb", "-solution.ipynb")
    service.run("jupyter", "execute", "--output=executed", solution)
    executed = nbformat.read(solution.with_name("executed.ipynb"), as_version=4)
    assert any(
        "image/png" in output.get("data", {}) for cell in executed.cells for output in cell.get("outputs", [])
    )


def test_the_next_start_keeps_what_the_learner_wrote(started, link, host):
    service, _, _ = started
    path = service.work / NOTEBOOK
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("ma_reponse = 42", id="reponse"))
    nbformat.write(notebook, path)
    other = path.with_name(f"{path.stem}-solution.ipynb")
    other.unlink()
    written = path.read_bytes()

    service.renew()
    assert MISSING not in service.packages()
    assert service.initialise(*from_link(link, host)).returncode == 0

    assert path.read_bytes() == written
    assert MISSING in service.packages()
    assert opened(service) == [NOTEBOOK]
    with service.lab() as lab:
        assert lab.opened() == NOTEBOOK
        assert lab.notebook(NOTEBOOK)["cells"][-1]["source"] == "ma_reponse = 42"


# --- Other starts, of a chapter that needs no package ------------------------------------------------------


@pytest.fixture
def service(image, repository) -> Iterator[Service]:
    """A service with an empty ~/work."""
    with sspcloud_service.folder("service-") as folder:
        service = Service(folder, image, reached(repository))
        service.renew()
        yield service


@pytest.fixture(scope="module")
def script(link, host) -> str:
    return from_link(link, host)[0]


ARGUMENTS = " ".join(launch.arguments(BOOK, LIGHT))
LIGHT_NOTEBOOK = f"{FOLDER}/notebooks/{LIGHT}.ipynb"


def test_a_start_again_in_the_same_container_changes_nothing(service, script):
    service.initialise(script, ARGUMENTS)
    first = service.settings.read_bytes()
    service.initialise(script, ARGUMENTS)
    assert service.settings.read_bytes() == first
    assert opened(service) == [LIGHT_NOTEBOOK]
    assert first.startswith(b"# Configuration file for jupyter-server.\nc = get_config()  # noqa\n")


def test_the_link_of_another_chapter_opens_that_one(service, script):
    service.initialise(script, ARGUMENTS)
    service.initialise(script, " ".join(launch.arguments(BOOK, f"{LIGHT}-bis")))
    assert opened(service) == [ERROR_PAGE]
    service.initialise(script, ARGUMENTS)
    assert opened(service) == [LIGHT_NOTEBOOK]
    assert not (service.work / ERROR_PAGE).exists()


def test_a_deleted_notebook_comes_back_and_no_other_is_touched(service, script):
    service.initialise(script, ARGUMENTS)
    mine = service.work / NOTEBOOK
    mine.write_text("mine", encoding="utf-8")
    (service.work / LIGHT_NOTEBOOK).unlink()
    service.initialise(script, ARGUMENTS)
    assert opened(service) == [LIGHT_NOTEBOOK]
    assert (service.work / LIGHT_NOTEBOOK).is_file()
    assert mine.read_text(encoding="utf-8") == "mine"


def test_an_interrupted_start_is_done_again(service, script):
    half = service.work / f".{FOLDER}.partiel"
    (half / "notebooks").mkdir(parents=True)
    sspcloud_service.own(half)
    service.initialise(script, ARGUMENTS)
    assert opened(service) == [LIGHT_NOTEBOOK]
    assert not half.exists()


def test_run_as_root_it_leaves_all_to_the_user(service, script, repository):
    """Older images did so, with another home than the user's."""
    if os.geteuid() != 0:
        pytest.skip("this run is not root's")
    elsewhere, copy = service.folder / "root", service.folder / "depot"
    elsewhere.mkdir()
    shutil.copytree(repository, copy)  # Git reads no repository of another user
    service.variables = reached(copy) | {"PERSONAL_INIT_SCRIPT": script, "PERSONAL_INIT_ARGS": ARGUMENTS}
    command = ["bash", "-c", sspcloud_service.INITIALISATION]
    environment = service.environment | {"HOME": str(elsewhere)}
    subprocess.run(command, env=environment, cwd=service.work, check=True, capture_output=True)
    assert opened(service) == [LIGHT_NOTEBOOK]
    assert list(elsewhere.iterdir()) == []
    owners = {path.stat().st_uid for path in (service.work / FOLDER).rglob("*")}
    assert owners == {sspcloud_service.USER} == {service.settings.stat().st_uid}


# --- Starts that fail: the service starts all the same, and says what happened -----------------------------


def test_a_tag_that_does_not_exist(service, script):
    """From the link to the page that the learner sees; then the tag is there, and the page goes."""
    done = service.initialise(script, ARGUMENTS.replace(TAG, "v1999.01"))
    assert done.returncode == 0
    assert "version v1999.01, n’a pas pu être copié" in error_text(service)
    assert "notebooks-v1999.01 not found" in error_text(service)
    with service.lab() as lab:
        assert lab.opened() == ERROR_PAGE
        assert lab.notebook(ERROR_PAGE)["cells"][0]["source"].startswith("# Le chapitre n’a pas pu s’ouvrir")
    service.initialise(script, ARGUMENTS)
    assert opened(service) == [LIGHT_NOTEBOOK]
    assert not (service.work / ERROR_PAGE).exists()


def test_a_chapter_that_does_not_exist(service, script):
    done = service.initialise(script, ARGUMENTS.replace(LIGHT, "essais/absent"))
    assert (done.returncode, opened(service)) == (0, [ERROR_PAGE])
    assert "Pas de notebook essais/absent" in error_text(service)
    assert not (service.work / FOLDER).exists()


def test_no_network(service, script):
    service.variables = reached(NOWHERE)
    done = service.initialise(script, ARGUMENTS)
    assert (done.returncode, opened(service)) == (0, [ERROR_PAGE])
    text = error_text(service)
    assert "le dépôt n’a pas répondu" in text and "127.0.0.1" in text
    for remedy in ("Relancez", "Téléchargez", "sur votre poste", "Signalez"):
        assert f"**{remedy}" in text or f"{remedy}**" in text


def test_a_repository_that_never_answers(service, script):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        service.variables = reached(f"http://127.0.0.1:{silent.getsockname()[1]}/") | {
            "CAHIERS_TEMPS_COPIE": "1"
        }
        begun = time.monotonic()
        done = service.initialise(script, ARGUMENTS)
    assert time.monotonic() - begun < 10
    assert (done.returncode, opened(service)) == (0, [ERROR_PAGE])
    assert not list(service.work.glob(f"*{FOLDER}*")), "nothing half-made is left"


@pytest.mark.parametrize("program", ["uv", "pip"])
def test_a_registry_that_does_not_answer(service, link, host, program):
    registry = {"UV_INDEX_URL": NOWHERE, "UV_HTTP_RETRIES": "0", "PIP_INDEX_URL": NOWHERE, "PIP_RETRIES": "0"}
    service.variables |= registry | {"UV_FIND_LINKS": "", "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": ""}
    with without_uv(service) if program == "pip" else nullcontext():
        done = service.initialise(*from_link(link, host))
    assert (done.returncode, opened(service)) == (0, [ERROR_PAGE])
    text = error_text(service)
    assert "n’ont pas pu être installés" in text and MISSING in text
    assert (service.work / NOTEBOOK).is_file(), "the notebook is there all the same"


@contextmanager
def without_uv(service: Service) -> Iterator[None]:
    uv = service.prefix / "bin/uv"
    hidden = uv.rename(uv.with_name("uv-hidden"))
    try:
        yield
    finally:
        hidden.rename(uv)


def test_pip_installs_where_there_is_no_uv_and_versions_give_way_to_the_image(
    service, link, host, repository
):
    """The book's version of the missing package does not exist: the image's own choice is taken."""
    path = service.work / FOLDER
    shutil.copytree(repository, path, ignore=shutil.ignore_patterns(".git"))
    pins = path / "requirements.txt"
    pins.write_text(re.sub(rf"^{MISSING}==.*", f"{MISSING}==0.0.1", pins.read_text(), flags=re.MULTILINE))
    sspcloud_service.own(path)
    before = service.packages()
    with without_uv(service):
        done = service.initialise(*from_link(link, host))
    after = service.packages()
    assert opened(service) == [NOTEBOOK]
    assert "essai des versions qui lui conviennent" in done.stdout and f"Prêt : {NOTEBOOK}" in done.stdout
    assert after[MISSING] and {name: after[name] for name in before} == before


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "example.org/ssphub/cahiers",
        f"{ARGUMENTS} correction",
        ARGUMENTS.replace(TAG, "main"),
        ARGUMENTS.replace(TAG, "--upload-pack=touch"),
        ARGUMENTS.replace("example.org/", "-/"),
        ARGUMENTS.replace("ssphub/", "../"),
        ARGUMENTS.replace(LIGHT, "../essais/leger"),
        ARGUMENTS.replace(LIGHT, "essais/léger"),
        ARGUMENTS.replace(LIGHT, "'essais/leger'"),
    ],
)
def test_arguments_that_are_not_those_of_a_link(service, script, arguments):
    done = service.initialise(script, arguments)
    assert (done.returncode, opened(service)) == (0, [ERROR_PAGE])
    assert "Le lien qui a lancé ce service est incomplet" in error_text(service)
    assert {path.name for path in service.work.iterdir()} == {ERROR_PAGE, ".cahiers-ssphub.log"}


def test_a_script_that_is_not_there(service, script):
    """Out of the script's power: bash is given the text of the error, and JupyterLab opens nothing."""
    done = service.initialise(script.replace("init.sh", "absent.sh"), ARGUMENTS)
    assert "404" in done.stderr, "bash takes the text of the error for a script"
    assert opened(service) == []
    with service.lab() as lab:
        assert lab.opened() == ""


def test_a_script_cut_short_does_nothing(service, script, host):
    whole = (ROOT / launch.SCRIPT).read_bytes()
    block = whole.index(b"\n{\n")
    for length in [*range(0, block, 900), *range(block, len(whole) - 2, 15)]:
        host["/cut"] = whole[:length]
        service.initialise(f"{host['address'].decode()}/cut", ARGUMENTS)
        assert list(service.work.iterdir()) == [], length
        assert opened(service) == [], length
