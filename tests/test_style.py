"""The package and the tests keep to one style: ruff's, as pyproject.toml sets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

FOLDERS = ["ssphub_book", "tests", "notebooks"]


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff_finds_nothing(command):
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run([ruff, *command, *FOLDERS], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
