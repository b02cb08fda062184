"""A Jupyter service of SSP Cloud on this machine: its image's Python, its start, its JupyterLab.

As there: an unprivileged user, ~/work kept from one start to the next and nothing else, packages in a
prefix of the user's own, first on the path, which is neither the system's nor a virtual environment.
Not shown here: the launcher's page, quotas, the cluster, the image itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import inspect
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.conftest import ROOT

LIVE_VERSIONS = ("3.13", "3.12")  # those of the images; an older one stands in where neither is to be had
FALLBACK = "3.11"
# What the images hold, reduced to what a chapter needs, less Matplotlib, which the Spark image lacks.
# NumPy is older than the book's: the start must not move it.
PACKAGES = ("uv", "jupyterlab", "ipykernel", "nbclient", "pandas", "pyarrow", "numpy<2.4")
LEFT_OUT = ("site-packages", "test", "config-*", "__pycache__", "idlelib")
HELD = "packages.json"  # what the image holds
LIST = """
import importlib.metadata, json
print(json.dumps({d.name.lower().replace("_", "-"): d.version for d in importlib.metadata.distributions()}))
"""
USER, GROUP = 1000, 100
INITIALISATION = "curl $PERSONAL_INIT_SCRIPT | bash -s -- $PERSONAL_INIT_ARGS"
TOKEN = "jeton-de-test"
START_LIMIT = 60  # seconds
PASSED_ON = re.compile(r"(PIP|UV)_\w+|SSL_CERT_\w+|(REQUESTS|CURL)_CA_BUNDLE|\w+_proxy", re.IGNORECASE)


def pythons() -> dict[str, Path]:
    """For each version, a Python that is its own prefix and may be copied: pyenv's, a runner's."""
    folders = [Path(sys.base_prefix)]
    folders += sorted(Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv").glob("versions/*"))
    folders += sorted(Path(os.environ.get("RUNNER_TOOL_CACHE") or "/nonexistent").glob("Python/*/x64"))
    found = {}
    for folder in folders:
        for version in (*LIVE_VERSIONS, FALLBACK):
            library = folder / "lib" / f"python{version}"
            whole = (folder / f"bin/python{version}").is_file() and (library / "ensurepip").is_dir()
            if whole and not (library / "EXTERNALLY-MANAGED").exists():
                found[version] = folder
    return found


def versions() -> list[str]:
    """The versions to simulate: those of the images, else the one that stands in for them."""
    found = pythons()
    return [v for v in LIVE_VERSIONS if v in found] or [v for v in (FALLBACK,) if v in found]


def image(version: str) -> Path:
    """The image's Python, made once for these versions and kept in `_build/sspcloud/`."""
    source = pythons()[version]
    key = repr((version, str(source.resolve()), PACKAGES, LEFT_OUT, inspect.getsource(_make_image)))
    folder = ROOT / "_build" / "sspcloud"
    folder.mkdir(parents=True, exist_ok=True)
    prefix = folder / f"python{version}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not prefix.exists():
            for older in folder.glob(f"python{version}-*"):
                shutil.rmtree(older)
            partial = folder / f"partial-{prefix.name}"
            shutil.rmtree(partial, ignore_errors=True)
            _make_image(source, version, partial)
            partial.rename(prefix)
    return prefix


def _make_image(source: Path, version: str, prefix: Path) -> None:
    name = f"python{version}"
    (prefix / "bin").mkdir(parents=True)
    shutil.copy2(source / "bin" / name, prefix / "bin" / name)
    for link in ("python3", "python"):
        (prefix / "bin" / link).symlink_to(name)
    shutil.copytree(source / "lib" / name, prefix / "lib" / name, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for library in (source / "lib").glob("libpython*"):
        shutil.copy2(library, prefix / "lib" / library.name)
    (prefix / "lib" / name / "site-packages").mkdir()
    python = prefix / "bin" / name
    environment = python_environment(prefix)
    commands = (
        ["-m", "ensurepip"],
        ["-m", "pip", "install", "--quiet", "--root-user-action", "ignore", "uv"],
        ["-m", "uv", "pip", "install", "--quiet", "--system", "--link-mode", "copy", *PACKAGES],
        ["-c", "import jupyterlab.labapp, ipykernel.kernelapp, nbclient, pandas, pyarrow"],  # compiled once
    )
    for command in commands:
        done = subprocess.run([python, *command], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    for program in (prefix / "bin").iterdir():  # the prefix is copied: programs find the Python beside them
        head, _, rest = program.read_bytes().partition(b"\n")
        if head.startswith(b"#!") and b"python" in head:
            program.write_bytes(b"#!/usr/bin/env python3\n" + rest)
    found = subprocess.run([python, "-c", LIST], env=environment, capture_output=True, check=True)
    (prefix / HELD).write_bytes(found.stdout)
    own(prefix)


@contextmanager
def copy(image: Path) -> Iterator[Path]:
    """A copy of the image's Python, in a folder that any user can reach: the services' own."""
    with folder("image-") as place:
        prefix = place / "python"
        same = os.stat(image).st_dev == os.stat(place).st_dev
        subprocess.run(["cp", "-al" if same else "-a", image, prefix], check=True)
        yield prefix


@contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """A temporary folder that any user can reach, unlike those of the tests."""
    path = Path(tempfile.mkdtemp(prefix=prefix))
    path.chmod(0o755)
    try:
        yield path
    finally:
        subprocess.run(["rm", "-rf", path], check=True)


def python_environment(prefix: Path) -> dict[str, str]:
    """The variables with which programs run in a prefix, and reach the package registry as we do."""
    passed = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    return passed | {
        "PATH": f"{prefix / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "LD_LIBRARY_PATH": str(prefix / "lib"),
        "HOME": str(prefix),
        "LANG": "C.UTF-8",
    }


def own(folder: Path) -> None:
    """Give a folder to the service's user, where we may."""
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", f"{USER}:{GROUP}", folder], check=True)


def as_user() -> list[str]:
    """What runs a command as the service's user: root becomes another, anyone else stays who they are."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={USER}", f"--regid={GROUP}", "--clear-groups"]


@dataclass
class Service:
    """One service: `folder` holds ~/work, kept from start to start, and what each start makes anew."""

    folder: Path
    prefix: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "onyxia"

    @property
    def work(self) -> Path:
        return self.home / "work"

    @property
    def settings(self) -> Path:
        return self.home / ".jupyter" / "jupyter_server_config.py"

    def renew(self) -> None:
        """What a start of the container gives: the image as it was, and ~/work as it has become."""
        self.renew_home()
        added = set(self.packages()) - set(json.loads((self.prefix / HELD).read_text()))
        if added:
            self.run("uv", "pip", "uninstall", "--system", "--no-cache", *added)

    def renew_home(self) -> None:
        """A home as the image has it, less ~/work, which is left as it is."""
        shutil.rmtree(self.settings.parent, ignore_errors=True)
        self.settings.parent.mkdir(parents=True)
        self.settings.write_text("# Configuration file for jupyter-server.\nc = get_config()  # noqa")
        self.work.mkdir(exist_ok=True)
        for path in (self.home, self.work, self.settings.parent, self.settings):
            if os.geteuid() == 0:
                os.chown(path, USER, GROUP)

    @property
    def environment(self) -> dict[str, str]:
        return (
            python_environment(self.prefix)
            | {
                "HOME": str(self.home),
                "USER": "onyxia",
                "LOGNAME": "onyxia",
                "WORKSPACE_DIR": str(self.work),
                "ROOT_PROJECT_DIRECTORY": str(self.work),
                "UV_CACHE_DIR": str(self.work / ".cache/uv"),
                "AWS_ACCESS_KEY_ID": "factice",
                "GIT_CONFIG_NOSYSTEM": "1",
            }
            | self.variables
        )

    def run(self, *command: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command as the service's user, from ~/work."""
        done = subprocess.run(
            [*as_user(), *map(str, command)],
            env=self.environment,
            cwd=self.work,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
        return done

    def initialise(self, script: str, arguments: str) -> subprocess.CompletedProcess[str]:
        """What the image runs at start, to the letter, with the two values of the launch link."""
        self.variables |= {"PERSONAL_INIT_SCRIPT": script, "PERSONAL_INIT_ARGS": arguments}
        return self.run("bash", "-c", INITIALISATION, check=False)

    def packages(self) -> dict[str, str]:
        """Name and version of each package installed."""
        return json.loads(self.run("python3", "-c", LIST).stdout)

    @contextmanager
    def lab(self) -> Iterator[Lab]:
        """JupyterLab, started as the chart starts it."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = ["--no-browser", "--ip", "127.0.0.1", "--port", str(port)]
        options += [f"--LabApp.token={TOKEN}", "--ContentsManager.allow_hidden=True"]
        log = self.folder / "lab.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [*as_user(), "jupyter", "lab", *options],
                env=self.environment,
                cwd=self.work,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        lab = Lab(f"http://127.0.0.1:{port}")
        try:
            limit = time.monotonic() + START_LIMIT
            while not lab.answers():
                assert process.poll() is None and time.monotonic() < limit, log.read_text()
                time.sleep(0.2)
            yield lab
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@dataclass(frozen=True)
class Lab:
    """A JupyterLab that runs."""

    address: str

    def get(self, path: str) -> tuple[int, str, str]:
        """Status, address of the redirection, and text of one answer; no redirection is followed."""
        request = urllib.request.Request(self.address + path, headers={"Authorization": f"token {TOKEN}"})
        try:
            with urllib.request.build_opener(_Still).open(request, timeout=30) as answer:
                return answer.status, "", answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("Location", ""), ""

    def answers(self) -> bool:
        try:
            return self.get("/api")[0] == 200
        except OSError:
            return False

    def opened(self) -> str:
        """The path of the file that the address of the service opens; empty where it opens none."""
        status, location, _ = self.get("/")
        assert status == 302, status
        assert self.get(location)[0] == 200
        path = urlsplit(location).path
        assert path.startswith("/lab"), location
        return path.removeprefix("/lab/tree/") if path.startswith("/lab/tree/") else ""

    def notebook(self, path: str) -> dict:
        """The notebook at a path, as the server gives it."""
        status, _, text = self.get(f"/api/contents/{path}")
        assert status == 200, f"{path}: {status}"
        model = json.loads(text)
        assert model["type"] == "notebook"
        return model["content"]


class _Still(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object) -> None:
        return None
