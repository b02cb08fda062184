"""The port where pages are served: asked for, any free one, or the first free one."""

from __future__ import annotations

import errno
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest

from ssphub_book import __main__ as command_line
from ssphub_book import ports
from tests.conftest import ROOT


def refusing(taken: range | list[int]) -> Callable[[int], int]:
    """A server that starts on no port of these."""

    def start(port: int) -> int:
        if port in taken:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        return port

    return start


@pytest.mark.parametrize(
    ("taken", "asked", "found", "said"),
    [
        ([], None, 8000, []),
        ([8000, 8001], None, 8002, ["Le port 8000 est pris : ce sera le port 8002."]),
        ([8000], 8001, 8001, []),
        ([8000], 0, 0, []),
    ],
)
def test_the_first_free_port_is_taken_and_said_where_none_is_asked_for(taken, asked, found, said):
    heard: list[str] = []
    assert ports.take(refusing(taken), asked, "preview", heard.append) == found
    assert heard == said


@pytest.mark.parametrize(("taken", "asked"), [([8000], 8000), (range(8000, 9000), None)])
def test_a_port_that_is_asked_for_is_the_only_one_tried(taken, asked):
    with pytest.raises(ports.PortTaken, match=r"Le port 8000 est pris : « make serve PORT=0 »"):
        ports.take(refusing(taken), asked, "serve", print)


def test_another_error_is_no_port_that_is_taken():
    def start(port: int) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(PermissionError):
        ports.take(start, 80, "serve", print)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "_build/html").mkdir(parents=True)
    (tmp_path / "_build/html/index.html").write_text("Bonjour.", encoding="utf-8")
    return tmp_path


def test_serve_says_the_port_that_it_took(site):
    command = [sys.executable, "-m", "ssphub_book", "--root", str(site), "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as served:
        address = re.search(r"http://localhost:[1-9]\d*/", served.stdout.readline())[0]
        assert urlopen(address, timeout=30).read() == b"Bonjour."
        served.send_signal(signal.SIGINT)
        assert served.wait(30) == command_line.INTERRUPTED


def test_serve_refuses_a_port_that_is_taken(site, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert command_line.main(["--root", str(site), "serve", "--port", str(port)]) == 1
    assert capsys.readouterr().err.startswith(f"Le port {port} est pris")
