"""The state of the book: what is counted is what is there, and nothing outlives what it measured."""

from __future__ import annotations

from datetime import UTC, datetime

from bs4 import BeautifulSoup

from ssphub_book import chapters, execution, state
from ssphub_book.sphinx.typography import french_line
from tests.conftest import ROOT

PAGE = "book/contribuer/etat-du-livre.html"


def only(root) -> state.State:
    (found,) = state.of_book(chapters.find(root))
    return found


def test_what_a_chapter_holds(small_book):
    found = only(small_book)
    assert (found.cells, found.shown, found.checks, found.assertions, found.findings) == (14, 10, 4, 1, 0)
    assert (found.seconds, found.executed, found.changed, found.mutants) == (None, None, None, None)


def test_an_execution_leaves_its_time_and_its_date(small_book):
    execution.execute(chapters.find(small_book))
    found = only(small_book)
    assert found.seconds > 0
    assert abs((found.executed - datetime.now(UTC).date()).days) <= 1


def test_findings_are_counted(small_book, small_chapter, edit):
    edit(small_chapter, "## En production", "## Ailleurs")
    assert only(small_book).findings == 1


def test_mutants_are_those_of_this_code(small_book, small_chapter, edit):
    state.record(small_book, only(small_book).chapter, caught=3, telling=4)
    assert (only(small_book).mutants.caught, only(small_book).mutants.telling) == (3, 4)
    edit(small_chapter, "Additionnez.", "Additionnez donc.")
    assert only(small_book).mutants is not None
    edit(small_chapter, "assert valeur == 2", "assert valeur != 3")
    assert only(small_book).mutants is None


def test_a_record_keeps_the_other_chapters(small_book):
    (small_book / state.RECORD).write_text("autre/chapitre: {caught: 1, telling: 2, code: x}\n")
    state.record(small_book, only(small_book).chapter, caught=3, telling=4)
    assert state.mutants(small_book)["autre/chapitre"] == state.Mutants(1, 2, "x")


def test_a_smaller_sample_of_the_same_code_leaves_the_record(small_book, small_chapter, edit):
    state.record(small_book, only(small_book).chapter, caught=10, telling=12)
    state.record(small_book, only(small_book).chapter, caught=1, telling=2)
    assert only(small_book).mutants.telling == 12
    edit(small_chapter, "assert valeur == 2", "assert valeur != 3")
    state.record(small_book, only(small_book).chapter, caught=1, telling=2)
    assert only(small_book).mutants.telling == 2


def test_libraries_are_told_with_their_versions(small_book, small_chapter, edit):
    edit(small_chapter, "import sys\n", "import sys\nimport pandas as pd\nfrom sklearn import svm\n")
    python, *libraries = only(small_book).versions
    assert python.startswith("Python 3.")
    assert [name.split()[0] for name in libraries] == ["pandas", "scikit-learn"]


def test_the_page_says_what_was_counted(site):
    page = BeautifulSoup((site / PAGE).read_text(encoding="utf-8"), "html.parser")
    contents, life = page.select("article table")
    rows = {row.th.get_text() if row.th else row.td.get_text(): row for row in contents.select("tbody tr")}
    for found in state.of_book(chapters.find(ROOT)):
        cells = [
            cell.get_text(strip=True)
            for cell in rows[french_line(found.chapter.title)].find_all(["th", "td"])
        ]
        assert cells[1:4] == [f"{found.cells} ({found.shown})", str(found.checks), str(found.assertions)]
        assert found.seconds is not None and f"{found.seconds:.0f}" in life.get_text()
