"""The command `check`: findings on chapters as they stand, and on the outputs that the cache holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
        findings = contract.check_all(book, set(contract.table_of_contents(root)))
    else:
        book = chapters.find(root)
        findings = contract.check_book(book, root)
    unread = {finding.file for finding in findings if finding.rule == "lecture"}
    outputs, without = _outputs(root, [chapter for chapter in book if chapter.file not in unread])
    return Checked(len(book), [*findings, *outputs], without)


def _outputs(root: Path, book: list[chapters.Chapter]) -> tuple[list[contract.Finding], list[str]]:
    """Findings on the outputs in the cache, and the names of the chapters that it does not hold."""
    cache, found, without = Cache(root), [], []
    for chapter in book:
        notebook = cache.executed(chapter)
        if notebook is None:
            without.append(chapter.name)
        else:
            found += contract.check_outputs(chapter, notebook)
    return found, without
