"""The optional notebook that needs PyTorch: run in an environment of its own, which is large."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

NOTEBOOK = ROOT / "notebooks/apprentissage/convolution_pytorch.py"
INSTALL = re.compile(r"^# +pip install (.+)$", re.MULTILINE)


@pytest.mark.long
def test_the_notebook_runs_with_what_it_says_to_install(tmp_path: Path) -> None:
    """Its last assertions check what the chapter says of it."""
    python = tmp_path / "venv/bin/python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    wanted = INSTALL.search(NOTEBOOK.read_text(encoding="utf-8"))[1].split()
    subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True, timeout=1200)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([python, NOTEBOOK], env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "Le modèle relu donne les mêmes sorties." in done.stdout
