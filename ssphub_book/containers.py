"""Prepare what the Docker chapter needs before it runs: its cells have no network.

`prepare` fills `_build/conteneurs/`, once:

- `images.tar`: two base images, `localhost/python:3.11-slim` (Debian and Python) and
  `localhost/python:3.11` (the same with pip and venv), as `docker save` writes them;
- `simple/`: the wheels that the chapter's analysis installs, laid out as an index for pip;
- `storage.conf` and `containers.conf`: the settings with which Podman runs on this machine;
- `preparation.json`: what the folder was made from, and how.

Where Podman cannot run, `prepare` returns the reason and makes nothing: the chapter then says it.
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
SLIM, FULL = f"localhost/python:{PYTHON}-slim", f"localhost/python:{PYTHON}"
HUB = f"python:{PYTHON}-slim"  # a short name, which Podman knows where to ask for
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
DOCKERFILE = f"""\
FROM {SLIM}
RUN apt-get update \\
    && apt-get install --yes --no-install-recommends python3-pip python3-venv \\
    && rm -rf /var/lib/apt/lists/* /usr/lib/python{PYTHON}/EXTERNALLY-MANAGED
"""
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
    if shutil.which("podman") is None:
        return "Podman est absent (sous Debian ou Ubuntu : apt-get install podman buildah runc)."
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
    """Was the folder made, whole, from what this module asks today?"""
    try:
        made = json.loads((folder / "preparation.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return made.get("recette") == _recipe() and (folder / "images.tar").is_file()


def _recipe() -> str:
    asked = (SUITE, HUB, WHEELS, STORAGE, BARE_MACHINE, DOCKERFILE, SPARED, PACKAGES)
    return hashlib.sha256(repr((asked, platform.machine())).encode()).hexdigest()


def _make(work: Path) -> None:
    """Fill `work/pret`; everything else under `work` is thrown away by the caller."""
    ready = work / "pret"
    ready.mkdir()
    _download_wheels(ready / "simple")
    origin = _base(work)
    driver, environment, bare = _settings(work, origin)
    (work / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    build = ["podman", "build", "--network", "host", "--tag", FULL, "--file", "Dockerfile", "."]
    _run(build, "la seconde image de base n'a pu être construite", environment, work)
    save = ["podman", "save", "--quiet", "--multi-image-archive", "--output", "pret/images.tar"]
    _run([*save, SLIM, FULL], "les images de base n'ont pu être enregistrées", environment, work)
    storage = STORAGE.format(driver=driver, root="@DOSSIER@", run="@DOSSIER@/run")
    (ready / "storage.conf").write_text(storage, encoding="utf-8")
    if bare:
        (ready / "containers.conf").write_text(BARE_MACHINE, encoding="utf-8")
    made = {"recette": _recipe(), "origine": origin, "pilote": driver, "machine_nue": bare}
    (ready / "preparation.json").write_text(json.dumps(made, indent=1), encoding="utf-8")


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


def _settings(work: Path, origin: str) -> tuple[str, dict[str, str], bool]:
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
                _load_base(work, origin, settings)
                command = ["podman", "run", "--rm", "--network=none", SLIM, "true"]
                _run(command, "Podman est installé, mais aucun conteneur ne démarre", settings)
                return driver, settings, settings is bare
            except PreparationError as error:
                reason = str(error)
    raise PreparationError(reason)


def _load_base(work: Path, origin: str, settings: dict[str, str]) -> None:
    there = ["podman", "image", "exists", SLIM]
    if subprocess.run(there, env=os.environ | settings, capture_output=True).returncode == 0:
        return
    if origin == "hub":
        message = (
            "aucune image de base : il faut mmdebstrap et les droits d'administrateur, ou l'accès "
            "au Docker Hub"
        )
        _run(["podman", "pull", "--quiet", HUB], message, settings, limit=180)
        _run(["podman", "tag", HUB, SLIM], message, settings)
    else:
        command = ["podman", "import", "--quiet", "--change", 'CMD ["python3"]']
        _run([*command, str(work / "base.tar"), SLIM], "l'image de base est refusée", settings)


def _run(
    command: list[str],
    failure: str,
    settings: dict[str, str] | None = None,
    where: Path | None = None,
    limit: int = 900,  # a loaded machine is slow, not broken
) -> None:
    """Run one command quietly. Raises PreparationError: what failed, and its last line."""
    try:
        done = subprocess.run(
            command,
            cwd=where,
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
