"""The first thing a bare machine meets: what is missing is said in plain words, with what to do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from ssphub_book import environment
from tests.conftest import ROOT


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """An environment of its own, in place of the project's."""
    folder = tmp_path / "venv"
    monkeypatch.setattr(environment, "VENV", folder)
    monkeypatch.setattr(environment, "VENV_PYTHON", folder / "bin" / "python")
    monkeypatch.setattr(environment, "STAMP", folder / "ssphub-ready")
    return folder


def test_no_python_at_all():
    done = subprocess.run(["make", "setup", "PYTHON=python-absent"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "il faut Python 3.11, 3.12 ou 3.13" in done.stdout


def test_a_python_too_old(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(environment.SetupError, match=r"en version 3\.9"):
        environment.find_python()


def test_a_newer_python_on_the_path_is_found(monkeypatch, tmp_path):
    program = tmp_path / "python3.12"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert environment.find_python() == str(program)


def test_no_venv_module_and_no_way_to_install_it(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(environment.SetupError, match=r"sudo apt-get install python3\.\d+-venv"):
        environment._install_debian_venv(sys.executable)


def test_no_network_on_first_set_up(place, monkeypatch):
    venv.create(place, with_pip=True)
    for variable, value in (
        ("PIP_INDEX_URL", "http://127.0.0.1:9/"),
        ("PIP_EXTRA_INDEX_URL", ""),
        ("PIP_FIND_LINKS", ""),
        ("PIP_RETRIES", "0"),
        ("PIP_NO_CACHE_DIR", "1"),
    ):
        monkeypatch.setenv(variable, value)
    with pytest.raises(environment.SetupError, match="Vérifiez la connexion au réseau"):
        environment._install()
    assert not environment.STAMP.exists()


def test_a_complete_environment_is_left_alone_but_engines_are_looked_for(place, monkeypatch):
    place.mkdir()
    environment.STAMP.write_text(environment.wanted())
    monkeypatch.setattr(environment, "find_python", lambda: pytest.fail("nothing was to be made"))
    looked = []
    monkeypatch.setattr(environment, "_prepare_containers", lambda: looked.append(True))
    environment.make()
    assert looked == [True]


@pytest.fixture
def environment_of_the_tests(place):
    """`place` as an environment that holds the packages of the one that runs the tests."""
    (place / "bin").mkdir(parents=True)
    environment.VENV_PYTHON.symlink_to(sys.executable)
    (place / "pyvenv.cfg").write_text(Path(sys.prefix, "pyvenv.cfg").read_text())
    (place / "lib").symlink_to(Path(sys.prefix, "lib"))
    return place


def version_said_by(java: Path) -> int:
    """Java of the wheel: started with the option that its runtime lacks, as Spark starts it."""
    command = [java, "--add-modules=jdk.incubator.vector", "-version"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": "/bin:/usr/bin"})
    assert done.returncode == 0, done.stderr
    return int(re.search(r'version "(\d+)', done.stderr)[1])


def test_java_comes_from_the_wheel_where_the_system_has_none(environment_of_the_tests, monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert environment.java_version() == 0
    environment._provide_java()
    version = version_said_by(environment_of_the_tests / "bin/java")
    assert environment.JAVA_MINIMUM <= version <= environment.JAVA_MAXIMUM


@pytest.mark.parametrize(("version", "taken"), [(11, False), (17, True), (21, True), (25, False)])
def test_a_java_that_spark_does_not_know_is_left(
    environment_of_the_tests, monkeypatch, tmp_path, version, taken
):
    program = tmp_path / "system/bin/java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}.0.2\"' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "system"))
    environment._provide_java()
    assert (environment_of_the_tests / "bin/java").exists() != taken


def test_children_find_the_programs_of_the_environment(monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin")
    environment.activate()
    assert os.environ["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)
