"""Prepare what the Docker chapter needs before it runs: its cells have no network.

`prepare` fills `_build/conteneurs/`, once:

- `images.tar`: two base images, `localhost/ssphub-base:3.11-slim` (Debian and Python) and
  `localhost/ssphub-base:3.11` (the same with pip and venv), as `docker save` writes them;
- `simple/`: the wheels that the chapter's analysis installs, laid out as an index for pip;
- `storage.conf` and `containers.conf`: the settings with which Podman runs on this machine;
- `preparation.json`: the engine that ran, what the folder was made from, and how.

The engine is the first of `ENGINES` that really starts a container. Podman works in a storage of
its own; Docker in the user's, where nothing stays once the folder is made. Where neither runs,
`prepare` returns the reason and makes nothing: the chapter then says it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "_build/conteneurs"
SUITE, PYTHON = "bookworm", "3.11"  # Debian 12 and its Python: the wheels must match
ENGINES = ("podman", "docker")  # in the order in which they are tried
SLIM, FULL = f"localhost/ssphub-base:{PYTHON}-slim", f"localhost/ssphub-base:{PYTHON}"
HUB = f"python:{PYTHON}-slim"  # a short name: both engines know where to ask for it
WHEELS = ("duckdb==2.0.0", "tabulate==0.10.0")
STORAGE = '[storage]\ndriver = "{driver}"\nrunroot = "{run}"\ngraphroot = "{root}/images"\n'
# A root without CAP_SYS_RESOURCE cannot raise its limits, as Podman asks; crun refuses the hybrid
# control groups that runc accepts; and there may be neither systemd nor its journal.
BARE_MACHINE = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
INSTALL = f"""\
apt-get update \\
    && apt-get install --yes --no-install-recommends python3-pip python3-venv \\
    && rm -rf /var/lib/apt/lists/* /usr/lib/python{PYTHON}/EXTERNALLY-MANAGED
"""
COMMAND = 'CMD ["python3"]'
SPARED = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man", "locale")]
SPARED.append("--dpkgopt=force-unsafe-io")  # no wait for the disk after each file
PACKAGES = "python3,python-is-python3,ca-certificates"
PARTIAL = "conteneurs.partiel-"


class PreparationError(Exception):
    """Why the folder cannot be made here, in plain French."""


def prepare(folder: Path = FOLDER, report: Callable[[str], None] = print) -> str | None:
    """Make `folder` unless it is there and up to date. Return None, or why it is missing."""
    if is_ready(folder):
        return None
    if not any(map(_answers, ENGINES)):
        return (
            "Podman est absent (sous Debian ou Ubuntu : apt-get install podman buildah runc), et "
            "aucun démon Docker ne répond."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / ".conteneurs.verrou", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_ready(folder):
            return None
        for leftover in folder.parent.glob(f"{PARTIAL}*"):
            _remove(leftover)
        work = Path(tempfile.mkdtemp(prefix=PARTIAL, dir=folder.parent))
        try:
            report("Préparation des images de base du chapitre Docker (une à deux minutes)…")
            _make(work)
            _swap(work / "pret", folder)
        except PreparationError as error:
            return str(error)
        finally:
            _remove(work)
    return None


def is_ready(folder: Path) -> bool:
    """Was the folder made, whole, from what this module asks, with the engine it would take today?"""
    try:
        made = json.loads((folder / "preparation.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if made.get("recette") != _recipe() or not (folder / "images.tar").is_file():
        return False
    untried = (name for name in ENGINES if name not in made.get("ecartes", ()))
    return next(filter(_answers, untried), None) == made.get("moteur")


def _answers(engine: str) -> bool:
    """Is it worth a try? A Docker client whose daemon does not answer is no engine."""
    if engine == "podman" or shutil.which(engine) is None:
        return shutil.which(engine) is not None
    try:
        return subprocess.run([engine, "version"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _recipe() -> str:
    asked = (SUITE, SLIM, HUB, WHEELS, STORAGE, BARE_MACHINE, INSTALL, COMMAND, SPARED, PACKAGES)
    return hashlib.sha256(repr((asked, platform.machine())).encode()).hexdigest()


def _make(work: Path) -> None:
    """Fill `work/pret`; everything else under `work` is thrown away by the caller."""
    ready = work / "pret"
    ready.mkdir()
    _download_wheels(ready / "simple")
    origin = _base(work)
    refused: dict[str, str] = {}
    for engine in filter(_answers, ENGINES):
        try:
            how = {"podman": _with_podman, "docker": _with_docker}[engine](work, origin)
            break
        except PreparationError as error:
            refused[engine] = str(error)
    else:
        raise PreparationError(" ".join(refused.values()))
    made = {"recette": _recipe(), "moteur": engine, "ecartes": list(refused), "origine": origin}
    (ready / "preparation.json").write_text(json.dumps(made | how, indent=1), encoding="utf-8")


def _with_podman(work: Path, origin: str) -> dict[str, object]:
    """Make `images.tar` and Podman's settings; tell which these are."""
    driver, settings, bare = _podman_settings(work, origin)
    _add_pip("podman", settings)
    save = ["podman", "save", "--quiet", "--multi-image-archive", "--output"]
    _save(save, work, settings)
    storage = STORAGE.format(driver=driver, root="@DOSSIER@", run="@DOSSIER@/run")
    (work / "pret/storage.conf").write_text(storage, encoding="utf-8")
    if bare:
        (work / "pret/containers.conf").write_text(BARE_MACHINE, encoding="utf-8")
    return {"pilote": driver, "machine_nue": bare}


def _with_docker(work: Path, origin: str) -> dict[str, object]:
    """Make `images.tar` with the user's own daemon, and leave there what was there, no more."""
    there = subprocess.run(["docker", "image", "inspect", HUB], capture_output=True).returncode == 0
    ours = [SLIM, FULL] if there or origin != "hub" else [SLIM, FULL, HUB]
    remove = ["docker", "rmi", "--force", *ours]
    subprocess.run(remove, capture_output=True)  # what a killed preparation may have left
    try:
        _load_base("docker", work, origin, {})
        _run(_start("docker"), "Docker répond, mais aucun conteneur ne démarre", {})
        _add_pip("docker", {})
        _save(["docker", "save", "--output"], work, {})
    finally:
        subprocess.run(remove, capture_output=True)
    return {}


def _start(engine: str) -> list[str]:
    return [engine, "run", "--rm", "--network=none", SLIM, "true"]


def _add_pip(engine: str, settings: dict[str, str]) -> None:
    """The second image, from a container of the first: a build would leave its cache behind."""
    name = f"ssphub-{os.getpid()}"
    failure = "la seconde image de base n'a pu être construite"
    install = [engine, "run", "--name", name, "--network=host", SLIM, "sh", "-c", INSTALL]
    try:
        _run(install, failure, settings)
        _run([engine, "commit", "--change", COMMAND, name, FULL], failure, settings)
    finally:
        remove = [engine, "rm", "--force", name]
        subprocess.run(remove, env=os.environ | settings, capture_output=True)


def _save(command: list[str], work: Path, settings: dict[str, str]) -> None:
    archive = str(work / "pret/images.tar")
    failure = "les images de base n'ont pu être enregistrées"
    _run([*command, archive, SLIM, FULL], failure, settings)


def _download_wheels(index: Path) -> None:
    """One folder per package, as pip expects of an index."""
    tag = PYTHON.replace(".", "")
    machine = platform.machine()
    options = ["--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}"]
    options += [f"--abi=cp{tag}", "--abi=abi3", "--abi=none", "--platform=any"]
    options += [f"--platform=manylinux_2_{n}_{machine}" for n in (17, 24, 27, 28, 34)]
    for wheel in WHEELS:
        where = index / wheel.partition("==")[0]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *options]
        _run([*command, "--dest", str(where), wheel], f"{wheel} n'a pu être téléchargé")


def _base(work: Path) -> str:
    """Make the root file system with mmdebstrap, else leave it to the hub; tell which."""
    if shutil.which("mmdebstrap") is None or os.geteuid() != 0:
        # Not verified where this was written, for lack of a hub: Docker's own slim image holds
        # Debian, Python and pip, and everything that follows treats it as the one made here.
        return "hub"
    command = ["mmdebstrap", "--mode=root", "--variant=apt", f"--include={PACKAGES}", *SPARED]
    _run([*command, SUITE, str(work / "base.tar")], "mmdebstrap n'a pu créer le système de base")
    return f"mmdebstrap {SUITE}"


def _podman_settings(work: Path, origin: str) -> tuple[str, dict[str, str], bool]:
    """The storage driver and settings with which a container really runs; the base is loaded."""
    (work / "containers.conf").write_text(BARE_MACHINE, encoding="utf-8")
    reason = ""
    for driver in ("overlay", "vfs"):
        root = work / driver
        root.mkdir()
        storage = root / "storage.conf"
        # Sockets live under `run`: with a long path each container waits 20 s before it starts.
        run = tempfile.mkdtemp(prefix="ssphub-")
        storage.write_text(STORAGE.format(driver=driver, root=root, run=run), encoding="utf-8")
        usual = {"CONTAINERS_STORAGE_CONF": str(storage)}
        bare = usual | {"CONTAINERS_CONF": str(work / "containers.conf")}
        for settings in (usual, bare):
            try:
                _load_base("podman", work, origin, settings)
                message = "Podman est installé, mais aucun conteneur ne démarre"
                _run(_start("podman"), message, settings)
                return driver, settings, settings is bare
            except PreparationError as error:
                reason = str(error)
    raise PreparationError(reason)


def _load_base(engine: str, work: Path, origin: str, settings: dict[str, str]) -> None:
    there = [engine, "image", "inspect", SLIM]
    if subprocess.run(there, env=os.environ | settings, capture_output=True).returncode == 0:
        return
    if origin == "hub":
        message = (
            "aucune image de base : il faut mmdebstrap et les droits d'administrateur, ou l'accès "
            "au Docker Hub"
        )
        _run([engine, "pull", "--quiet", HUB], message, settings, limit=180)
        _run([engine, "tag", HUB, SLIM], message, settings)
    else:
        command = [engine, "import", "--change", COMMAND, str(work / "base.tar"), SLIM]
        _run(command, "l'image de base est refusée", settings)


def _run(
    command: list[str],
    failure: str,
    settings: dict[str, str] | None = None,
    limit: int = 900,  # a loaded machine is slow, not broken
) -> None:
    """Run one command quietly. Raises PreparationError: what failed, and its last line."""
    try:
        done = subprocess.run(
            command,
            env=os.environ | (settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        raise PreparationError(f"{failure} : pas de réponse en {limit} s.") from None
    except OSError as error:
        raise PreparationError(f"{failure} : {error}.") from None
    if done.returncode != 0:
        said = done.stdout.strip().splitlines() or [f"code de retour {done.returncode}"]
        raise PreparationError(f"{failure} : {said[-1][-300:]}")


def _swap(new: Path, folder: Path) -> None:
    """Put the whole folder in place by renaming: at no time is there half of it."""
    if folder.exists():
        folder.rename(new.parent / "ancien")
    new.rename(folder)


def _remove(work: Path) -> None:
    """Remove a working folder and the Podman storages in it."""
    for storage in work.glob("*/storage.conf"):
        settings = os.environ | {"CONTAINERS_STORAGE_CONF": str(storage)}
        if shutil.which("podman"):
            command = ["podman", "rmi", "--all", "--force"]
            subprocess.run(command, env=settings, capture_output=True)
        mount = storage.parent / "images/overlay"
        if mount.is_mount():  # Podman leaves a mount of the folder on itself
            subprocess.run(["umount", str(mount)], capture_output=True)
        for run in re.findall(r'runroot = "(.+)"', storage.read_text(encoding="utf-8")):
            shutil.rmtree(run, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)


def main() -> int:
    """Called by the project's setup: a machine without containers is not an error."""
    reason = prepare()
    if reason:
        print(f"Chapitre Docker : ses cellules ne seront pas exécutées ici. {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
