"""The command `check`: findings on chapters as they stand, and on the outputs that the cache holds."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode

from ssphub_book import chapters, contract
from ssphub_book.cache import Cache
from ssphub_book.contract import report


@dataclass(frozen=True)
class Checked:
    """What was found in how many chapters, and the names of those whose outputs could not be read."""

    number: int
    findings: list[contract.Finding]
    without_outputs: list[str]

    def lines(self, layout: str) -> list[str]:
        """What the command prints, by the layout `text` or `github`."""
        shown = {"text": report.text, "github": report.github}[layout](self.findings)
        return [*shown, *report.summary(self.findings, self.number, self.without_outputs)]

    def code(self, strict: bool) -> int:
        """Exit code: 1 where a finding stops the build or, if `strict`, where there is any."""
        return int(any(strict or finding.blocking for finding in self.findings))


def check(root: Path, names: list[str]) -> Checked:
    """Check the chapters of these names, or the whole book; nothing is executed.

    Raises chapters.UnknownChapter for a name that is no chapter's, chapters.ChapterError for a chapter
    that is not text.
    """
    root = root.resolve()
    if names:
        book = list({name: chapters.named(root, name) for name in names}.values())
    else:
        book = chapters.find(root)
    executed = _executed(root, book)
    if names:
        findings = contract.check_all(book, set(contract.table_of_contents(root)), executed)
    else:
        findings = contract.check_book(book, root, executed)
    outputs = [f for c in book if c.name in executed for f in contract.check_outputs(c, executed[c.name])]
    return Checked(len(book), [*findings, *outputs], [c.name for c in book if c.name not in executed])


def _executed(root: Path, book: list[chapters.Chapter]) -> dict[str, NotebookNode]:
    """The chapters that the cache holds, by name; one that cannot be read is in none."""
    cache, found = Cache(root), {}
    for chapter in book:
        with suppress(chapters.ChapterError):
            if notebook := cache.executed(chapter):
                found[chapter.name] = notebook
    return found
