"""Two cold runs of a chapter give the same outputs, byte for byte where they are text.

Cells tagged `mesure` show durations and sizes that depend on the machine: their digits are masked.
"""

from __future__ import annotations

import os
import random

import pytest

from ssphub_book import chapters, execution, mutants
from ssphub_book.cache import Cache
from tests.conftest import ROOT

SAMPLE = 1
BOOK = chapters.find(ROOT)


def sampled(seed: str) -> set[str]:
    """The chapters of this run: all of them, or a draw that changes with the commit."""
    names = [chapter.name for chapter in BOOK]
    return set(names if os.environ.get("SSPHUB_WHOLE") else random.Random(seed).sample(names, SAMPLE))


@pytest.mark.parametrize("chapter", BOOK, ids=lambda chapter: chapter.name)
def test_two_cold_runs_are_alike(chapter, seed):
    if chapter.name not in sampled(seed):
        pytest.skip("pas tiré cette fois (make test-all les prend tous)")
    first = Cache(ROOT).executed(chapter)
    assert first is not None, "the cell tests, which run before, keep the chapter in the cache"
    (again,) = execution.execute([chapter], fresh=True).values()
    assert again.failure is None
    outputs = (mutants.visible_outputs(chapter, nb) for nb in (first, again.notebook))
    for cell, (one, other) in enumerate(zip(*outputs, strict=True)):
        assert one == other, f"visible cell {cell} of {chapter.file} differs"
