"""The code cells, before they run."""

from __future__ import annotations

from collections.abc import Iterator

from ssphub_book.chapters import Cell, Chapter
from ssphub_book.contract.finding import Finding

LONGEST_CELL = 30  # lines


def _cells(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    checks = [cell for cell in chapter.cells if "verification" in cell.tags]
    if not any("assert" in cell.source for cell in checks):
        message = "aucune cellule « verification » n'affirme quoi que ce soit."
        remedy = "vérifiez par assert chaque résultat dont le texte dépend."
        yield Finding(chapter.file, 1, "verification", message, remedy)
    for cell in chapter.cells:
        if "verification" in cell.tags and "remove-cell" not in cell.tags:
            message = "cette cellule « verification » paraîtrait sur la page."
            yield Finding(chapter.file, cell.line, "verification", message, "ajoutez-lui « remove-cell ».")
        if is_long(cell):
            yield too_long(chapter, cell)


def is_long(cell: Cell) -> bool:
    """Whether a cell that the page shows has more lines than it may."""
    return len(cell.source.splitlines()) > LONGEST_CELL and "verification" not in cell.tags


def too_long(chapter: Chapter, cell: Cell) -> Finding:
    message = f"{len(cell.source.splitlines())} lignes de code dans une cellule."
    remedy = f"coupez-la : {LONGEST_CELL} lignes au plus, une idée par cellule."
    return Finding(chapter.file, cell.line, "cellule-longue", message, remedy)


RULES = (_cells,)
