"""The benchmark's books: sound chapters, as many as asked, the same each time."""

from __future__ import annotations

import pytest

from ssphub_book import chapters, contract, scale
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    root = tmp_path_factory.mktemp("scale") / "book"
    scale.write_book(ROOT, root, 3)
    return root


def test_a_book_has_the_chapters_asked_and_no_other(book):
    names = {chapter.name.partition("/")[2] for chapter in chapters.find(book)}
    assert names == {"essai-0", "essai-1", "essai-2"}
    assert {f"notebooks/{c.name}" for c in chapters.find(book)} <= set(contract.table_of_contents(book))


def test_its_chapters_would_be_built(book):
    assert [f for f in contract.check_book(chapters.find(book), book) if f.blocking] == []


def test_a_chapter_is_as_long_as_a_real_one(book):
    real = sorted(len(chapter.text) for chapter in chapters.find(ROOT))
    assert all(real[0] / 3 < len(chapter.text) < real[-1] for chapter in chapters.find(book))


def test_the_same_book_is_written_each_time(book, tmp_path):
    for path in scale.write_book(ROOT, tmp_path / "again", 3):
        assert path.read_text() == (book / path.relative_to(tmp_path / "again")).read_text()


@pytest.mark.long
def test_every_build_is_timed_and_its_phases_with_it(tmp_path):
    timings = scale.measure(ROOT, tmp_path, 1, False, say=lambda line: None)
    assert [timing.what for timing in timings] == [scale.WHOLE, scale.UNCHANGED, scale.PROSE, scale.CODE]
    cold, unchanged, prose, code = timings
    assert all(sum(timing.phases.values()) <= timing.seconds for timing in timings)
    assert unchanged.phases["sphinx"] == 0 < prose.phases["sphinx"]
    assert prose.phases["execution"] < code.phases["execution"] <= cold.phases["execution"] * 3
