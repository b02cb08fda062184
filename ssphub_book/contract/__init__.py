"""The contract of the chapters: each breach is a `Finding`, with its file, line, rule and remedy.

One module per family of rules; each gives `RULES`, functions that take a chapter and the files of the
table of contents. A new rule is a function in the module of its family, its name in `finding.GUIDE`, and
a section in the page of the guide that `GUIDE` gives.
"""

from __future__ import annotations

from pathlib import Path

from ssphub_book.chapters import Chapter, ChapterError
from ssphub_book.contract import (
    cells,
    contents,
    determinism,
    exercises,
    header,
    outputs,
    parts,
    reach,
    results,
)
from ssphub_book.contract.contents import table_of_contents
from ssphub_book.contract.finding import Finding
from ssphub_book.contract.outputs import check_outputs
from ssphub_book.contract.style import check_style

__all__ = ["Finding", "check", "check_all", "check_book", "check_outputs", "table_of_contents"]
FAMILIES = (header, contents, parts, exercises, cells, reach, determinism, results, outputs)


def check(chapter: Chapter, toc: set[str]) -> list[Finding]:
    """Findings on one chapter, its style left to `check_all`; `toc` holds the files named in `_toc.yml`,
    without extension."""
    try:
        chapter.parse()
    except ChapterError as error:
        return [Finding(chapter.file, error.line, "lecture", error.message, "corrigez cette ligne.")]
    rules = [rule for family in FAMILIES for rule in family.RULES]
    return sorted(finding for rule in rules for finding in rule(chapter, toc))


def check_all(chapters: list[Chapter], toc: set[str]) -> list[Finding]:
    """All findings on these chapters."""
    findings = [finding for chapter in chapters for finding in check(chapter, toc)]
    unread = {finding.file for finding in findings if finding.rule == "lecture"}
    return [*findings, *check_style([chapter for chapter in chapters if chapter.file not in unread])]


def check_book(chapters: list[Chapter], root: Path) -> list[Finding]:
    """Findings on every chapter, and on `_toc.yml` where it names a file that is not there."""
    toc = table_of_contents(root)
    return [*check_all(chapters, set(toc)), *contents.absent(root, toc)]
