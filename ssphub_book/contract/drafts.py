"""What the model of a chapter leaves to write."""

from __future__ import annotations

from collections.abc import Iterator

from ssphub_book.chapters import Chapter
from ssphub_book.contract import prose
from ssphub_book.contract.finding import Finding

MARKER = "À ÉCRIRE"


def _unwritten(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    page = prose.read(chapter)
    texts = [(passage.line, passage.text) for passage in page.passages] + page.sources
    lines = {
        first + rank for first, text in texts for rank, line in enumerate(text.splitlines()) if MARKER in line
    }
    for line in sorted(lines):
        remedy = "écrivez-le, avec l'exemple qui le suit, puis retirez ces mots."
        yield Finding(chapter.file, line, "a-completer", f"un passage « {MARKER} » reste à écrire.", remedy)


RULES = (_unwritten,)
