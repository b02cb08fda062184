"""A chapter leaves no program behind and opens no port to other machines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ssphub_book import chapters, execution, services

SERVER = """\
import subprocess, sys
serveur = subprocess.Popen(
    [sys.executable, "-c", "import http.server as h; h.HTTPServer(('{address}', 0), None).serve_forever()"]
)
import time
time.sleep(2)
"""
DETACHED = SERVER.format(address="127.0.0.1").replace("\n)\n", ", start_new_session=True\n)\n")
STOP = "serveur.kill(); serveur.wait()\n"
VALUE = 'valeur = int(Path("../data/petit/valeur.csv").read_text())\n'


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "GRACE", 1.0)


@pytest.fixture
def run(small_chapter: Path, small_book: Path, edit):
    """`run(code)` runs the small chapter with this code after its value; return what became of it."""

    def run_with(code: str) -> execution.Run:
        edit(small_chapter, VALUE, VALUE + code)
        return execution.run_chapter(chapters.read(small_book, small_chapter))

    return run_with


def left() -> list[psutil.Process]:
    """The servers of these tests that are still alive."""
    return [
        p for p in psutil.process_iter(["cmdline"]) if "serve_forever()" in "".join(p.info["cmdline"] or ())
    ]


def test_a_program_that_is_stopped_is_no_finding(run) -> None:
    assert run(SERVER.format(address="127.0.0.1") + STOP).failure is None


def test_a_child_ends_with_its_kernel(run) -> None:
    assert run(SERVER.format(address="127.0.0.1")).failure is None
    assert not left()


def test_a_program_that_outlives_its_kernel_fails_the_chapter_and_is_stopped(run) -> None:
    """In a session of its own, it is neither ended with the kernel nor its child any more."""
    failure = run(DETACHED).failure
    assert "tourne encore" in failure.message and "serve_forever" in failure.message
    assert not left()


def test_a_program_is_stopped_when_a_cell_fails(run) -> None:
    failure = run(DETACHED + "1 / 0\n").failure
    assert "ZeroDivisionError" in failure.message
    assert not left()


@pytest.mark.parametrize("address", ["0.0.0.0", "127.0.0.1"])
def test_a_port_open_to_other_machines_fails_the_cell(run, address: str) -> None:
    failure = run(SERVER.format(address=address) + STOP).failure
    assert (failure is not None) == (address == "0.0.0.0")
    if failure:
        assert "127.0.0.1" in failure.message and "(0.0.0.0," in failure.message
        assert failure.cell.number == 1


def test_other_programs_of_the_machine_are_left_alone(run) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        assert run(DETACHED).failure
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_chapter_does_not_inherit_the_settings_of_the_tests(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-v")
    assert run('import os\nassert "PYTEST_ADDOPTS" not in os.environ\n').failure is None
