"""What a failed assertion does not say: which part of it was false, and what its sides were worth.

Python reports `AssertionError` and nothing else where the author wrote no message. The kernel that
failed still lives: the parts of the assertion are asked of it again, one at a time.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable

from ssphub_book.chapters import python_of

LONGEST = 160  # characters of a value that is shown
FALSE = "« {} » est faux"
WORTH = "{} vaut {}"
# Runs in the chapter's kernel, which has failed: its names no longer serve anyone.
PROBE = """
import json as _json
for _part, _sides in _json.loads({parts!r}):
    if not eval(_part):
        print(_json.dumps([_part, [[_side, " ".join(repr(eval(_side)).split())] for _side in _sides]]))
        break
"""


def explain(source: str, line: int, run: Callable[[str], str]) -> str:
    """Why the assertion at this line of a cell failed, in French; empty where nothing can be told.

    `run` executes code in the kernel and returns what it prints. Nothing is told of an assertion in a
    function, whose names are gone, nor of one that holds when it is asked again.
    """
    test = _assertion(source, line)
    if test is None:
        return ""
    parts = [(ast.unparse(part), [ast.unparse(side) for side in _sides(part)]) for part in _parts(test)]
    try:
        part, sides = json.loads(run(PROBE.format(parts=json.dumps(parts))))
    except ValueError:  # it printed nothing: a name that is gone, or a condition that now holds
        return ""
    values = " ; ".join(WORTH.format(side, _short(value)) for side, value in sides)
    return FALSE.format(_short(part)) + (f" : {values}" if values else "")


def _assertion(source: str, line: int) -> ast.expr | None:
    nodes = ast.walk(python_of(source) or ast.Module([], []))
    found = [n for n in nodes if isinstance(n, ast.Assert) and n.lineno <= line <= n.end_lineno]
    return found[-1].test if found else None


def _parts(test: ast.expr) -> list[ast.expr]:
    """The conditions that must all hold."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return [part for value in test.values for part in _parts(value)]
    return [test]


def _sides(part: ast.expr) -> list[ast.expr]:
    """What the condition compares or looks at, but for what is written in full."""
    if isinstance(part, ast.UnaryOp):
        return _sides(part.operand)
    if isinstance(part, ast.Compare):
        sides = [part.left, *part.comparators]
    elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
        sides = [part.func.value, *part.args]
    elif isinstance(part, ast.Call):
        sides = part.args
    else:
        sides = []
    return [side for side in sides if not _literal(side) and not isinstance(side, ast.GeneratorExp)]


def _literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
        return True
    except ValueError:
        return False


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
