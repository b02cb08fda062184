"""Findings kept from one command to the next: told again as they were, and never after a change."""

from __future__ import annotations

import pytest

from ssphub_book import chapters, contract, kept
from ssphub_book.contract import parts


@pytest.fixture
def counted(monkeypatch) -> list[str]:
    """The files that a rule resting on their text alone was asked about."""
    asked = []

    def rule(chapter, toc):
        asked.append(chapter.file)
        return ()

    monkeypatch.setattr(parts, "RULES", (*parts.RULES, rule))
    return asked


def check(root) -> list[contract.Finding]:
    return contract.check_book(chapters.find(root), root)


def test_a_text_that_did_not_change_is_not_read_again(small_book, small_chapter, edit, counted):
    edit(small_chapter, "Un piège.", "Un piege.")
    first = check(small_book)
    assert [finding.rule for finding in first] != []
    assert check(small_book) == first
    assert len(counted) == 1
    edit(small_chapter, "Un piege.", "Un piège.")
    assert check(small_book) == []
    assert len(counted) == 2


def test_rules_that_changed_are_asked_again(small_book, counted, monkeypatch):
    check(small_book)
    monkeypatch.setattr(kept, "_makers", lambda: "others")
    check(small_book)
    assert len(counted) == 2


def test_what_rests_on_other_files_is_always_looked_at(small_book, small_chapter):
    assert check(small_book) == []
    (small_book / "book/annexes/glossaire.md").write_text("# Glossaire\n", encoding="utf-8")
    small_chapter.write_text(
        small_chapter.read_text("utf-8").replace("Un piège.", "Un {term}`notebook`."), "utf-8"
    )
    assert [finding.rule for finding in check(small_book)] == ["terme-inconnu"]
    glossary = "# Glossaire\n\n```{glossary}\nnotebook\n  Un document.\n```\n"
    (small_book / "book/annexes/glossaire.md").write_text(glossary, encoding="utf-8")
    assert check(small_book) == []
