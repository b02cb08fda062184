"""The container base of the Docker chapter: made once, whole or not at all, or a plain reason."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from ssphub_book import containers

ROOT = Path(__file__).resolve().parent.parent
NEW = "nouvelle archive"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "_build/conteneurs"


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """A Podman on the PATH, and a preparation that takes no time; the list tells each one made."""
    made: list[Path] = []

    def make(work: Path) -> None:
        made.append(work)
        (work / "pret").mkdir()
        (work / "pret/images.tar").write_text(NEW, encoding="utf-8")
        stamp = json.dumps({"recette": containers._recipe(), "moteur": "podman", "ecartes": []})
        (work / "pret/preparation.json").write_text(stamp, encoding="utf-8")

    _engine(tmp_path / "bin/podman", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    monkeypatch.setattr(containers, "_make", make)
    return made


def _engine(script: Path, does: str) -> None:
    """A command that notes how it was called, then does what the test wants of the engine."""
    script.parent.mkdir(exist_ok=True)
    note = f'echo "$(basename $0) $*" >> {script.parent}/appels'
    script.write_text(f"#!/bin/sh\n{note}\n{does}\n", encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)


SAVES = 'case "$1" in save) while [ "$1" != --output ]; do shift; done; echo archive > "$2";; esac'
RUNS_NOTHING = 'case "$1" in run) echo "permission refusée"; exit 126;; esac'
NO_DAEMON = "echo 'Cannot connect to the Docker daemon'; exit 1"


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of the only engines on the PATH, which a test writes; nothing is downloaded."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "bin"), "/usr/bin", "/bin"]))
    found = containers.shutil.which
    hidden = {name: str(tmp_path / "bin") for name in containers.ENGINES}
    monkeypatch.setattr(containers.shutil, "which", lambda name: found(name, path=hidden.get(name)))
    monkeypatch.setattr(containers, "_download_wheels", lambda index: None)
    monkeypatch.setattr(containers, "_base", lambda work: "mmdebstrap")
    return tmp_path / "bin"


def _stamp(folder: Path) -> dict:
    return json.loads((folder / "preparation.json").read_text(encoding="utf-8"))


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.iterdir() if not path.name.startswith("."))


def test_prepare_is_idempotent(folder: Path, pretended: list[Path]) -> None:
    assert containers.prepare(folder, report=lambda line: None) is None
    before = (folder / "images.tar").stat()
    assert containers.prepare(folder, report=pytest.fail) is None
    after = (folder / "images.tar").stat()
    assert len(pretended) == 1
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert _files(folder) == ["conteneurs"]


def test_an_older_recipe_is_made_again(folder: Path, pretended: list[Path]) -> None:
    folder.mkdir(parents=True)
    (folder / "images.tar").write_text("ancienne archive", encoding="utf-8")
    (folder / "preparation.json").write_text('{"recette": "autre"}', encoding="utf-8")
    assert containers.prepare(folder, report=lambda line: None) is None
    assert (folder / "images.tar").read_text(encoding="utf-8") == NEW
    assert _files(folder) == ["conteneurs"]


@pytest.mark.parametrize("stamp", ["", "{", '{"recette": "autre"}'])
def test_a_damaged_stamp_is_not_ready(folder: Path, stamp: str) -> None:
    folder.mkdir(parents=True)
    (folder / "images.tar").write_text("x", encoding="utf-8")
    (folder / "preparation.json").write_text(stamp, encoding="utf-8")
    assert not containers.is_ready(folder)


def test_no_engine_gives_a_plain_reason(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = containers.prepare(folder, report=pytest.fail)
    assert reason is not None and reason.startswith("Podman est absent")
    assert not folder.exists()


def test_the_command_accepts_a_machine_without_engine(tmp_path: Path) -> None:
    """Setup calls it: it must not fail there, nor print a traceback."""
    code = (
        "import sys; from pathlib import Path; from ssphub_book import containers;"
        f"containers.prepare.__defaults__ = (Path({str(tmp_path / 'c')!r}), print);"
        "sys.exit(containers.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith("Chapitre Docker : ses cellules ne seront pas exécutées ici.")


def test_a_failed_preparation_leaves_nothing(
    folder: Path, pretended: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(work: Path) -> None:
        (work / "pret").mkdir()
        (work / "pret/images.tar").write_text("la moitié", encoding="utf-8")
        containers._run(["sh", "-c", "echo disque plein; exit 1"], "l'archive n'a pu être écrite")

    monkeypatch.setattr(containers, "_make", fail)
    reason = containers.prepare(folder, report=lambda line: None)
    assert reason == "l'archive n'a pu être écrite : disque plein"
    assert _files(folder) == []


def test_a_killed_preparation_leaves_no_half_archive(
    folder: Path, pretended: list[Path], tmp_path: Path
) -> None:
    """Killed without warning: the folder does not exist, and the next run sweeps the remains."""
    code = (
        "import time; from pathlib import Path; from ssphub_book import containers\n"
        "def slow(work):\n"
        "    (work / 'pret').mkdir()\n"
        "    (work / 'pret/images.tar').write_text('la moitié')\n"
        "    print('commencé', flush=True)\n"
        "    time.sleep(60)\n"
        "containers._make = slow\n"
        f"containers.prepare(Path({str(folder)!r}), report=lambda line: None)\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "commencé\n"
        process.send_signal(signal.SIGKILL)
    assert not folder.exists() and not containers.is_ready(folder)
    assert len(_files(folder)) == 1
    assert containers.prepare(folder, report=lambda line: None) is None
    assert (folder / "images.tar").read_text(encoding="utf-8") == NEW
    assert _files(folder) == ["conteneurs"]


def test_an_interrupted_preparation_leaves_nothing(
    folder: Path, pretended: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(work: Path) -> None:
        (work / "pret").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(containers, "_make", interrupt)
    with pytest.raises(KeyboardInterrupt):
        containers.prepare(folder, report=lambda line: None)
    assert _files(folder) == []


def test_an_engine_that_runs_nothing_gives_its_own_words(folder: Path, engines: Path) -> None:
    """Podman is installed but starts no container: the reason says what it said."""
    _engine(engines / "podman", RUNS_NOTHING)
    reason = containers.prepare(folder, report=lambda line: None)
    assert reason is not None
    assert "aucun conteneur ne démarre : permission refusée" in reason
    assert _files(folder) == []


def test_a_docker_client_without_a_daemon_is_no_engine(folder: Path, engines: Path) -> None:
    _engine(engines / "docker", NO_DAEMON)
    reason = containers.prepare(folder, report=pytest.fail)
    assert reason is not None and "aucun démon Docker ne répond" in reason
    assert not folder.exists()
    assert (engines / "appels").read_text().splitlines() == ["docker version"]


def test_podman_comes_first(folder: Path, engines: Path) -> None:
    _engine(engines / "podman", SAVES)
    _engine(engines / "docker", SAVES)
    assert containers.prepare(folder, report=lambda line: None) is None
    assert (_stamp(folder)["moteur"], _stamp(folder)["ecartes"]) == ("podman", [])
    assert (folder / "storage.conf").is_file()
    assert "docker run" not in (engines / "appels").read_text()


def test_docker_is_taken_where_podman_starts_nothing(folder: Path, engines: Path) -> None:
    """And nothing stays in the user's daemon: neither image nor container."""
    _engine(engines / "podman", RUNS_NOTHING)
    _engine(engines / "docker", SAVES)
    assert containers.prepare(folder, report=lambda line: None) is None
    assert (_stamp(folder)["moteur"], _stamp(folder)["ecartes"]) == ("docker", ["podman"])
    assert (folder / "images.tar").read_text() == "archive\n"
    calls = [c for c in (engines / "appels").read_text().splitlines() if c.startswith("docker")]
    assert calls[-1] == f"docker rmi --force {containers.SLIM} {containers.FULL}"
    container = f"ssphub-{os.getpid()}"
    assert any(call.startswith(f"docker run --name {container} ") for call in calls)
    assert f"docker rm --force {container}" in calls
    assert containers.prepare(folder, report=pytest.fail) is None


def test_docker_that_fails_halfway_leaves_nothing(folder: Path, engines: Path) -> None:
    _engine(engines / "docker", 'case "$1" in commit) echo "disque plein"; exit 1;; esac')
    reason = containers.prepare(folder, report=lambda line: None)
    assert reason is not None and reason.endswith("disque plein")
    calls = (engines / "appels").read_text().splitlines()
    assert calls[-2:] == [
        f"docker rm --force ssphub-{os.getpid()}",
        f"docker rmi --force {containers.SLIM} {containers.FULL}",
    ]
    assert _files(folder) == []


def test_an_engine_that_comes_or_goes_is_noticed(folder: Path, engines: Path) -> None:
    _engine(engines / "docker", SAVES)
    assert containers.prepare(folder, report=lambda line: None) is None
    assert containers.is_ready(folder)
    _engine(engines / "docker", NO_DAEMON)
    assert not containers.is_ready(folder)
    _engine(engines / "docker", SAVES)
    assert containers.is_ready(folder)
    _engine(engines / "podman", SAVES)
    assert not containers.is_ready(folder)  # Podman comes first


def test_a_silent_command_is_stopped_at_its_limit() -> None:
    started = time.monotonic()
    with pytest.raises(containers.PreparationError, match="pas de réponse en 1 s"):
        containers._run([sys.executable, "-c", "import time; time.sleep(30)"], "essai", limit=1)
    assert time.monotonic() - started < 10


def test_a_container_really_runs() -> None:
    """The engine with the prepared base and settings. Missing: a skip here, a failure in CI."""
    in_ci = os.environ.get("CI") == "true"
    reason = None if containers.is_ready(containers.FOLDER) else "la base n'est pas préparée"
    if reason and in_ci:
        reason = containers.prepare()
    if reason:
        message = f"pas de moteur de conteneurs : {reason}"
        pytest.fail(message) if in_ci else pytest.skip(message)
    engine = _stamp(containers.FOLDER)["moteur"]
    work = Path(tempfile.mkdtemp(prefix="ssphub-"))  # short, as the sockets of Podman want it
    environment = os.environ | (_podman_storage(work) if engine == "podman" else {})

    def call(*arguments: str) -> str:
        command = [engine, *arguments]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        return done.stdout

    try:
        call("load", "--quiet", "--input", str(containers.FOLDER / "images.tar"))
        for image in (containers.SLIM, containers.FULL):
            call("run", "--rm", "--network=none", image, "true")
        version = ("python", "-m", "pip", "--version")
        said = call("run", "--rm", "--network=none", containers.FULL, *version)
        assert f"(python {containers.PYTHON})" in said
    finally:
        remove = [engine, "rmi", "--force", containers.SLIM, containers.FULL]
        subprocess.run(remove, env=environment, capture_output=True)
        containers._remove(work)
    wheels = {path.parent.name for path in (containers.FOLDER / "simple").glob("*/*.whl")}
    assert wheels == {wheel.partition("==")[0] for wheel in containers.WHEELS}


def _podman_storage(work: Path) -> dict[str, str]:
    """Podman's settings, as prepared for the chapter, on a storage under `work`."""
    settings = (containers.FOLDER / "storage.conf").read_text(encoding="utf-8")
    storage = work / "essai/storage.conf"
    storage.parent.mkdir()
    storage.write_text(settings.replace("@DOSSIER@", str(storage.parent)), encoding="utf-8")
    own = containers.FOLDER / "containers.conf"
    chosen = {"CONTAINERS_CONF": str(own)} if own.exists() else {}
    return chosen | {"CONTAINERS_STORAGE_CONF": str(storage)}
