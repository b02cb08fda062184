"""The package and the tests keep to one style: ruff's, as pyproject.toml sets it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml

import ssphub_book
from tests.conftest import ROOT

PACKAGE = ROOT / "ssphub_book"
FOLDERS = ["ssphub_book", "tests", "notebooks", ".github"]


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff_finds_nothing(command):
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run([ruff, *command, *FOLDERS], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_no_module_imports_one_that_imports_it():
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    modules = {name.removesuffix(".__init__"): path for name, path in modules.items()}
    graph = {name: imported(path, modules) - {name} for name, path in modules.items()}
    assert len(graph["ssphub_book.publication"]) > 10
    tuple(TopologicalSorter(graph).static_order())  # raises CycleError, which names them


def imported(path: Path, modules: dict[str, Path]) -> set[str]:
    """The modules of the package that a module imports, wherever in its code."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in modules else node.module for name in names}
    return found & modules.keys()


def test_the_package_says_what_each_of_its_modules_is_for():
    said = set(re.findall(r"`(\w+)`", ssphub_book.__doc__))
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert said == {name for name in there if not name.startswith("__")}


WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_workflows_are_what_github_reads():
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [checker, "--builtin-schema", "vendor.github-workflows", *WORKFLOWS]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_workflows_are_safe():
    zizmor = Path(sys.executable).with_name("zizmor")
    command = [zizmor, "--offline", "--quiet", "--config", ROOT / ".github/zizmor.yml", *WORKFLOWS]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_only_the_jobs_that_run_no_code_of_a_request_may_write():
    """A workflow that a pull request starts has no more than the right to read."""
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
        started = workflow[True]  # YAML reads the key `on` as true
        if "pull_request" in started:
            jobs = [workflow, *workflow["jobs"].values()]
            assert all(job.get("permissions", {"contents": "read"}) == {"contents": "read"} for job in jobs)
            assert "secrets." not in path.read_text(encoding="utf-8")
        assert "pull_request_target" not in started
