"""The parts of a chapter, in their order, and the levels of its headings."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import pairwise

from ssphub_book.chapters import LAST_PART, Chapter
from ssphub_book.contract.finding import Finding

PARTS = ("La question et les données", "Les pièges", "En production", "Exercices", "Quiz")


def _parts(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    yield from _one_title(chapter, "parties")
    parts = {title: line for line, level, title in chapter.headings if level == 2}
    wanted = (*PARTS, LAST_PART)
    for missing in (part for part in wanted if part not in parts):
        near = get_close_matches(missing, parts, n=1)
        message = f"la partie « ## {missing} » manque."
        remedy = "donnez-lui ce titre exact." if near else "ajoutez-la, avec ce titre exact."
        yield Finding(chapter.file, parts[near[0]] if near else 1, "parties", message, remedy)
    present = [part for part in wanted if part in parts]
    for before, after in pairwise(present):
        if parts[before] > parts[after]:
            message = f"« {before} » doit venir avant « {after} »."
            yield Finding(chapter.file, parts[before], "parties", message, "échangez ces deux parties.")
    yield from _essential(chapter, parts)


def _essential(chapter: Chapter, parts: dict[str, int]) -> Iterator[Finding]:
    box = next((n for n, line in enumerate(chapter.lines, 1) if ":class: essentiel" in line), None)
    if box is None:
        message = "l'encadré « L'essentiel » manque."
        remedy = "ajoutez sous le titre une admonition avec « :class: essentiel »."
        yield Finding(chapter.file, 1, "parties", message, remedy)
    elif parts and box > min(parts.values()):
        message = "« L'essentiel » doit venir avant la première partie."
        yield Finding(chapter.file, box, "parties", message, "placez l'encadré sous le titre.")


def _one_title(chapter: Chapter, rule: str) -> Iterator[Finding]:
    titles = [line for line, level, _ in chapter.headings if level == 1]
    if len(titles) != 1:
        line = titles[1] if titles else 1
        message = f"{len(titles)} titres de niveau 1 : il en faut un, et un seul."
        yield Finding(chapter.file, line, rule, message, "écrivez « # Titre » une fois, en tête.")


def _title(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    yield from _one_title(chapter, "titres")


def _levels(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    previous = 0
    for line, level, title in chapter.headings:
        if level > previous + 1:
            message = f"« {title} » saute un niveau de titre : de {previous} à {level}."
            remedy = f"écrivez ce titre avec {previous + 1} « # »."
            yield Finding(chapter.file, line, "titres", message, remedy)
        previous = level


RULES = (_parts, _levels)
PAGE_RULES = (_title, _levels)  # for the pages that are no chapter
