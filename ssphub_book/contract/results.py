"""The results that the prose cites: each one rests on an assertion."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from ssphub_book.chapters import Cell, Chapter
from ssphub_book.contract import syntax
from ssphub_book.contract.finding import Finding

CITED = re.compile(r"\{glue:\w*\}`([^`:]+)")
BUILTINS = frozenset(dir(builtins))


def _results(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    cited = _cited(chapter)
    if not cited:
        return
    checks = [cell for cell in chapter.cells if "verification" in cell.tags]
    bases = _bases(checks)
    asserted = _rests_on({name for cell in checks for name in _asserted(cell)}, bases)
    known = set(syntax.imported(chapter)) | BUILTINS
    for cell, call in _glued(chapter):
        pattern, value = _pattern(call.args[0]), call.args[1]
        key = next((key for key in cited if re.fullmatch(pattern, key)), None)
        names = syntax.used(value) - known
        if key and names and not _rests_on(names, bases) & asserted:
            message = f"le texte cite « {key} » (ligne {cited[key]}), dont aucune assertion ne parle."
            remedy = f"affirmez ce que vaut « {ast.unparse(value)[:60]} » dans cette cellule."
            line = syntax.line(cell, call)
            yield Finding(chapter.file, line, "resultat-non-verifie", message, remedy)


def _cited(chapter: Chapter) -> dict[str, int]:
    """Each key of `glue` that the text cites, and the line where it first does."""
    found: dict[str, int] = {}
    for number, line in enumerate(chapter.lines, start=1):
        for key in CITED.findall(line):
            found.setdefault(key.strip(), number)
    return found


def _glued(chapter: Chapter) -> Iterator[tuple[Cell, ast.Call]]:
    for cell, call, name in syntax.calls(chapter):
        readable = len(call.args) >= 2 and isinstance(call.args[0], ast.Constant | ast.JoinedStr)
        if readable and name.rsplit(".", 1)[-1] == "glue":
            yield cell, call


def _pattern(key: ast.expr) -> str:
    """A pattern of the keys that an argument of `glue` may give."""
    if isinstance(key, ast.Constant):
        return re.escape(str(key.value))
    return "".join(_pattern(v) if isinstance(v, ast.Constant) else r"\w+" for v in key.values)


def _bases(cells: list[Cell]) -> dict[str, set[str]]:
    """What each name that these cells bind was computed from."""
    bases: dict[str, set[str]] = {}
    for node in (node for cell in cells for node in syntax.walk(cell)):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.For | ast.comprehension | ast.NamedExpr):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            value = node.iter if isinstance(node, ast.For | ast.comprehension) else node.value
            for name in (n for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)):
                bases.setdefault(name.id, set()).update(syntax.used(value) - BUILTINS)
    return bases


def _rests_on(names: set[str], bases: dict[str, set[str]]) -> set[str]:
    """These names and, through the verification cells, those that they were computed from."""
    found, todo = set(), list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += bases.get(name, ())
    return found


def _asserted(cell: Cell) -> set[str]:
    """Names that the assertions of a cell mention; `eprouver` and `assert_…` functions are assertions."""
    found: set[str] = set()
    for node in syntax.walk(cell):
        if isinstance(node, ast.Assert):
            found |= syntax.used(node.test)
        elif isinstance(node, ast.Call):
            verb = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if verb == "eprouver" or verb.startswith("assert"):
                found |= syntax.used(node)
    return found - BUILTINS


RULES = (_results,)
