"""Two cold runs of a chapter give the same outputs, byte for byte where they are text.

Cells tagged `mesure` show durations and sizes that depend on the machine: their digits are masked.
"""

from __future__ import annotations

import pytest

from ssphub_book import chapters, execution, mutants
from tests.conftest import ROOT, sample

SAMPLE = 1
BOOK = {chapter.name: chapter for chapter in chapters.find(ROOT)}


@pytest.mark.parametrize("name", sample(sorted(BOOK), SAMPLE))
def test_two_cold_runs_are_alike(name):
    chapter = BOOK[name]
    first = execution.execute([chapter])[name].notebook
    (again,) = execution.execute([chapter], fresh=True).values()
    assert again.failure is None
    outputs = (mutants.visible_outputs(chapter, nb) for nb in (first, again.notebook))
    for cell, (one, other) in enumerate(zip(*outputs, strict=True)):
        assert one == other, f"visible cell {cell} of {chapter.file} differs"


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
