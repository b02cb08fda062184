"""Numbers typed in the prose that a cell computes: they would stay as they are when the result changes.

Only telling numbers are looked at: a decimal part, thousands, or a percentage. Without an execution, a
typed number is one that a hidden check asserts; with one, it is also one that `glue` keeps or that a
cell prints. What this cannot see: counts below a thousand, numbers in words (« dix-sept points »),
results that no check asserts where the notebook is not executed, results rounded otherwise than to the
nearest, and numbers inside formulae and inline code. Numbers that the visible code sets are parameters,
years, bounds (9 999, 10 000) and references are no results; the quiz and what follows reason on numbers of
their own; texts that no role can enter (front matter, descriptions of figures, options) are left alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from nbformat import NotebookNode

from ssphub_book import chapters
from ssphub_book.chapters import Cell, Chapter
from ssphub_book.contract import prose
from ssphub_book.contract.finding import Finding

SPACE = "[ \u00a0\u202f]"
TYPED = re.compile(
    rf"(?<![\w.,:/°-])(?P<sign>[-\u2212])?(?P<whole>\d{{1,3}}(?:{SPACE}\d{{3}})+|\d+)(?:,(?P<decimals>\d+))?"
    rf"(?P<percent>{SPACE}?%)?(?![\w:/°-]|[.,]\d)"
)
REFERENCE = re.compile(
    r"(?:n°|p\.|vol\.|articles?|versions?|Python|exercices?|questions?)\s*$", re.IGNORECASE
)
PRINTED = re.compile(r"(?<![\w.])[-\u2212]?\d[\d\u202f\u00a0]*(?:[.,]\d+)?(?![\w])")
GLUED = "application/papermill.record/text/plain"


@dataclass(frozen=True)
class Typed:
    """A number of the prose, at the precision that it shows."""

    written: str
    value: Decimal
    decimals: int
    percent: bool

    def shows(self, result: Decimal) -> bool:
        """Whether the prose shows this result, as such or as a percentage."""
        scales = (1, 100) if self.percent else (1,)
        return any(round(abs(result) * scale, self.decimals) == abs(self.value) for scale in scales)


def check_numbers(chapter: Chapter, notebook: NotebookNode | None = None) -> Iterator[Finding]:
    """Findings on typed numbers; `notebook`, the chapter once executed, tells more results."""
    numbers = list(_typed_numbers(chapter))
    if not numbers:
        return
    results = _asserted(chapter) | (_displayed(chapter, notebook) if notebook else {})
    parameters = _parameters(chapter)
    for line, typed in numbers:
        if any(typed.shows(parameter) for parameter in parameters):
            continue
        source = next((source for result, source in results.items() if typed.shows(result)), None)
        if source:
            message = f"« {typed.written} » est saisi, alors qu'une cellule le calcule ({source})."
            remedy = "confiez-le à glue dans une cellule de vérification, et écrivez {glue:text}`cle:.1f`."
            yield Finding(chapter.file, line, "nombre-saisi", message, remedy)


def _typed_numbers(chapter: Chapter) -> Iterator[tuple[int, Typed]]:
    """The telling numbers of the prose, with their line."""
    end = next((line for line, _, title in chapter.headings if title == "Quiz"), len(chapter.lines))
    for passage in prose.read(chapter).passages:
        if not passage.live or passage.line >= end:
            continue
        for match in TYPED.finditer(passage.text):
            typed = _typed(match)
            if _telling(typed) and not REFERENCE.search(passage.text[: match.start()]):
                yield passage.line_at(match.start()), typed


def _typed(match: re.Match[str]) -> Typed:
    decimals = match["decimals"] or ""
    whole = re.sub(SPACE, "", match["whole"])
    value = Decimal(f"{whole}.{decimals}" if decimals else whole)
    return Typed(match.group().strip(), value, len(decimals), bool(match["percent"]))


def _telling(typed: Typed) -> bool:
    """Whether two numbers that agree at this precision are likely to be the same result."""
    digits = len(str(typed.value).replace(".", "").lstrip("0"))
    spaced = re.search(SPACE, typed.written.rstrip("%").strip())
    year = not typed.decimals and not spaced and 1500 <= typed.value <= 2100
    bound = typed.value % 100 in {0, 99}
    if year or bound:
        return False
    return digits >= 4 or (digits >= 2 and (typed.decimals > 0 or typed.percent))


def _asserted(chapter: Chapter) -> dict[Decimal, str]:
    """The numbers that hidden checks assert, with the place of the check."""
    return {
        number: f"vérifié ligne {cell.line + node.lineno - 1}"
        for cell in chapter.cells
        if "verification" in cell.tags and (tree := chapters.python_of(cell.source))
        for check in ast.walk(tree)
        if isinstance(check, ast.Assert)
        for node, number in _literals(check)
    }


def _parameters(chapter: Chapter) -> set[Decimal]:
    """The numbers that the visible code sets."""
    trees = [chapters.python_of(cell.source) for cell in chapter.cells if "verification" not in cell.tags]
    return {number for tree in trees if tree for _, number in _literals(tree)}


def _literals(tree: ast.AST) -> Iterator[tuple[ast.Constant, Decimal]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and type(node.value) in {int, float}:
            yield node, Decimal(str(node.value))


def _displayed(chapter: Chapter, notebook: NotebookNode) -> dict[Decimal, str]:
    """The numbers that an executed chapter prints or gives to `glue`, with where they come from.

    Durations change at each execution: one of them would be equal to some number of the text by chance.
    """
    nodes = [node for node in notebook.cells if node.cell_type == "code"]
    found: dict[Decimal, str] = {}
    for cell, node in zip(chapter.cells, nodes, strict=True):
        for output in () if "mesure" in cell.tags else node.outputs:
            for number, source in _of_output(cell, output):
                found.setdefault(number, source)
    return found


def _of_output(cell: Cell, output: NotebookNode) -> Iterator[tuple[Decimal, str]]:
    data = output.get("data", {})
    name = output.get("metadata", {}).get("scrapbook", {}).get("name")
    text = data.get(GLUED, "") if name else output.get("text", "") or data.get("text/plain", "")
    source = f"glue : {name}" if name else f"affiché par la cellule de la ligne {cell.line}"
    for match in PRINTED.finditer(text):
        yield (
            Decimal(re.sub("[\u202f\u00a0]", "", match.group()).replace(",", ".").replace("\u2212", "-")),
            source,
        )
