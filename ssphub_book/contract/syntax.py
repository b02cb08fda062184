"""What the rules on code share: the syntax of a cell, the full names behind its imports, its shell lines."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from ssphub_book.chapters import Cell, Chapter, python_of

PYTHON_MAGIC = re.compile(r"%%(?:time|timeit|capture|prun)\b.*")
SHELL_CELL = re.compile(r"%%(?:bash|sh|script|system|!)")
MAGIC_LINE = re.compile(r"^(\s*)(?:[\w, ]+=\s*)?[!%].*$", re.MULTILINE)
SHELL_LINE = re.compile(r"^\s*(?:[\w, ]+=\s*)?(?:!|%(?=pip|conda|sx|system))(.*)$")
SEPARATOR = re.compile(r"&&|\|\|?|;")


def tree(cell: Cell) -> ast.Module | None:
    """The syntax tree of a cell, less its magics, at the same lines; None for another language."""
    return _tree(cell.source)


@lru_cache(maxsize=1024)
def _tree(source: str) -> ast.Module | None:
    python = PYTHON_MAGIC.sub("", source, count=1) if PYTHON_MAGIC.match(source) else source
    if python.startswith("%%"):
        return None
    return python_of(python) or python_of(MAGIC_LINE.sub(r"\1pass", python))


@lru_cache(maxsize=64)
def imported(chapter: Chapter) -> dict[str, str]:
    """The full name behind each name that a cell imports: `np` is `numpy`, `choice` `random.choice`."""
    names: dict[str, str] = {}
    for node in (node for cell in chapter.cells for node in walk(cell)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.split(".")[0]
                names[alias.asname or root] = alias.name if alias.asname else root
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def walk(cell: Cell) -> tuple[ast.AST, ...]:
    """Every node of a cell; none for a cell in another language."""
    return _walk(cell.source)


@lru_cache(maxsize=1024)
def _walk(source: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(_tree(source) or ast.Module([], [])))


@lru_cache(maxsize=64)
def calls(chapter: Chapter) -> list[tuple[Cell, ast.Call, str]]:
    """Each call of the chapter and the full name of what it calls (see `full_name`)."""
    names = imported(chapter)
    return [
        (cell, node, full_name(node.func, names))
        for cell in chapter.cells
        for node in walk(cell)
        if isinstance(node, ast.Call)
    ]


def full_name(node: ast.expr, names: dict[str, str]) -> str:
    """`numpy.random.choice` for `np.random.choice`; `?.sample` where the object is of unknown type."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        known = names.get(node.id) or ("?" if parts else node.id)
        return ".".join([known, *reversed(parts)])
    return f"?.{parts[0]}" if parts else "?"


def used(node: ast.AST) -> set[str]:
    """Names that an expression or a statement reads."""
    nodes = ast.walk(node)
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword argument; None where the call does not give it."""
    return next((k.value for k in call.keywords if k.arg == name), None)


def is_none(node: ast.expr | None) -> bool:
    """Whether an argument is missing, or is None."""
    return node is None or (isinstance(node, ast.Constant) and node.value is None)


def line(cell: Cell, node: ast.AST) -> int:
    """The line of a node in the file of its chapter."""
    return cell.line + node.lineno - 1


def commands(cell: Cell) -> Iterator[tuple[int, str]]:
    """(line in the file, command) of each shell command of a cell, comments left out."""
    lines = cell.source.splitlines()
    if lines and lines[0].startswith("%%"):
        found = list(enumerate(lines))[1:] if SHELL_CELL.match(lines[0]) else []
    else:
        found = [(rank, m[1]) for rank, text in enumerate(lines) if (m := SHELL_LINE.match(text))]
    for rank, text in found:
        for command in [] if text.lstrip().startswith("#") else split(text):
            yield cell.line + rank, command


def split(text: str) -> list[str]:
    """The commands of a line of shell."""
    return [part.strip() for part in SEPARATOR.split(text) if part.strip()]
