"""Two cold runs of a chapter give the same outputs, byte for byte, the second on an older processor.

NumPy and OpenBLAS choose how they sort and sum by what the processor can do: the second run hides from
them what it has learnt since 2013. Cells tagged `mesure` show durations and sizes that depend on the
machine: their digits are masked.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from ssphub_book import chapters, execution, mutants
from tests.conftest import ROOT, sample

SAMPLE = 1
BOOK = {chapter.name: chapter for chapter in chapters.find(ROOT)}


@pytest.mark.parametrize("name", sample(sorted(BOOK), SAMPLE))
def test_two_cold_runs_are_alike(name, monkeypatch):
    chapter = BOOK[name]
    first = execution.execute([chapter])[name].notebook
    _age(monkeypatch)
    (again,) = execution.execute([chapter], fresh=True).values()
    assert again.failure is None
    outputs = (mutants.visible_outputs(chapter, nb) for nb in (first, again.notebook))
    for cell, (one, other) in enumerate(zip(*outputs, strict=True)):
        assert one == other, f"visible cell {cell} of {chapter.file} differs"


def _age(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the kernels that start from now on compute as on an older processor."""
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", " ".join(_features()))
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")


def _features() -> list[str]:
    """What NumPy uses of the processor beyond what it needs."""
    return np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])


def test_the_processor_looks_older(monkeypatch):
    _age(monkeypatch)
    code = "from tests.test_determinism import _features; print(_features())"
    command = [sys.executable, "-W", "error", "-c", code]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (said.returncode, said.stdout.strip()) == (0, "[]"), said.stderr


def test_a_difference_is_seen(small_book, small_chapter, edit):
    """The comparison itself can fail; durations of a `mesure` cell alone are let through."""
    edit(small_chapter, "valeur\n```", "import random\n\nprint(random.random())\n```")
    assert _outputs(small_book)[0] != _outputs(small_book)[0]
    cell = "```{code-cell} ipython3\n"
    edit(small_chapter, f"{cell}import sys", f"{cell}:tags: [mesure]\n\nimport sys")
    edit(small_chapter, "print(random.random())", "print(random.randint(10, 99), 's')")
    assert _outputs(small_book)[0] == _outputs(small_book)[0]


def _outputs(root):
    (chapter,) = chapters.find(root)
    (run,) = execution.execute([chapter], fresh=True).values()
    assert run.failure is None
    return mutants.visible_outputs(chapter, run.notebook)
