"""The contract of the chapters: each breach is a `Finding`, with its file, line, rule and remedy.

One module per family of rules; each gives `RULES`, functions that take a chapter and the files of the
table of contents. The families of `PROSE` and `LINKS` read every page of the book, the others its chapters
only. A new rule is a function in the module of its family, its name in `finding.GUIDE`, and a section in
the page of the guide that `GUIDE` gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType

from nbformat import NotebookNode

from ssphub_book import chapters as reading
from ssphub_book import kept
from ssphub_book.chapters import NOTEBOOKS, Chapter, ChapterError
from ssphub_book.contract import (
    cells,
    contents,
    determinism,
    drafts,
    entries,
    exercises,
    header,
    images,
    links,
    numbers,
    outputs,
    parts,
    reach,
    results,
    spelling,
    typography,
)
from ssphub_book.contract.contents import table_of_contents
from ssphub_book.contract.finding import MEND, Finding
from ssphub_book.contract.outputs import check_outputs
from ssphub_book.contract.style import check_style

__all__ = [
    "MEND",
    "Finding",
    "check",
    "check_all",
    "check_book",
    "check_outputs",
    "check_page",
    "table_of_contents",
]
# Rules that look at nothing but the text of the page; those that look around it too.
PROSE, LINKS = (drafts, images, spelling, typography), (entries, links)
OWN = (parts, exercises, cells, reach, determinism, results, outputs, *PROSE)
AROUND = (header, contents, *LINKS)
Rule = Callable[[Chapter, set[str]], Iterable[Finding]]
NOT_EXECUTED: Mapping[str, NotebookNode] = MappingProxyType({})


def check(chapter: Chapter, toc: set[str], notebook: NotebookNode | None = None) -> list[Finding]:
    """Findings on one chapter, its style left to `check_all`.

    `toc` holds the files named in `_toc.yml`, without extension; `notebook`, the chapter once executed,
    shows more of the numbers that the prose should take from it.
    """
    try:
        chapter.parse()
    except ChapterError as error:
        return [Finding(chapter.file, error.line, "lecture", error.message, MEND)]
    found = _found(_rules(AROUND), chapter, toc)
    found |= _kept(chapter, lambda: _found(_rules(OWN), chapter, toc) | {*numbers.check_numbers(chapter)})
    return sorted(found.union(numbers.check_numbers(chapter, notebook) if notebook else ()))


def check_page(page: Chapter, toc: set[str]) -> list[Finding]:
    """The findings on a page that is no chapter: its headings, its texts, its links and its images."""
    own = [*parts.PAGE_RULES, *_rules(PROSE)]
    return sorted(_found(_rules(LINKS), page, toc) | _kept(page, lambda: _found(own, page, toc)))


def _kept(page: Chapter, find: Callable[[], set[Finding]]) -> set[Finding]:
    """The findings that rest on the text of the page alone."""
    return kept.of(page.root, page.file, "contrat", page.text, find)


def _rules(families: Iterable[ModuleType]) -> list[Rule]:
    return [rule for family in families for rule in family.RULES]


def _found(rules: Iterable[Rule], page: Chapter, toc: set[str]) -> set[Finding]:
    return {finding for rule in rules for finding in rule(page, toc)}


def check_all(
    chapters: list[Chapter], toc: set[str], executed: Mapping[str, NotebookNode] = NOT_EXECUTED
) -> list[Finding]:
    """All findings on these chapters; `executed` holds those that ran, by name, and their outputs."""
    findings = [finding for c in chapters for finding in check(c, toc, executed.get(c.name))]
    unread = {finding.file for finding in findings if finding.rule == "lecture"}
    return [*findings, *check_style([chapter for chapter in chapters if chapter.file not in unread])]


def check_book(
    chapters: list[Chapter], root: Path, executed: Mapping[str, NotebookNode] = NOT_EXECUTED
) -> list[Finding]:
    """Findings on every chapter and page, on the network's data files, and on `_toc.yml` where it names a
    file that is not there."""
    toc = table_of_contents(root)
    pages = [root / f"{file}.md" for file in toc if not file.startswith(f"{NOTEBOOKS}/")]
    read = [reading.read(root, path) for path in pages if path.is_file()]
    findings = check_all(chapters, set(toc), executed)
    findings += [finding for page in read for finding in check_page(page, set(toc))]
    return [*dict.fromkeys(findings), *contents.absent(root, toc), *entries.problems(root)]
