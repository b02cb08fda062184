"""The package and the tests keep to one style: ruff's, as pyproject.toml sets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT

FOLDERS = ["ssphub_book", "tests", "notebooks", ".github"]


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff_finds_nothing(command):
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run([ruff, *command, *FOLDERS], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


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
