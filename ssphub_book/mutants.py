"""A proof that the checks bite: perturb one cell at a time and see whether some check turns red.

A mutant changes one constant, operator, column, flag, row or shell line of a visible cell. It is
`caught` by a failed assertion or another error, `unchanged` when every visible output is the same
(such a mutant says nothing about the checks), and otherwise it `survived`.
"""

from __future__ import annotations

import ast
import random
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from nbformat import NotebookNode

from ssphub_book import execution, state
from ssphub_book.cache import Cache
from ssphub_book.chapters import NOTEBOOKS, Cell, Chapter, python_of, read

SEED = 2024
GOAL = 0.8
NOT_PERTURBED = {"verification", "exercice", "controle", "remove-cell"}
OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.And: ast.Or, ast.Or: ast.And,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


@dataclass(frozen=True, eq=False)  # told apart by identity: a cell's options cannot be hashed
class Mutant:
    """One perturbed cell of a chapter."""

    chapter: Chapter
    cell: Cell
    source: str
    what: str

    @property
    def perturbed(self) -> Chapter:
        """The chapter with the mutant in place of the cell."""
        lines = self.chapter.text.splitlines()
        start = self.cell.line - 1
        lines[start : start + len(self.cell.source.splitlines())] = self.source.splitlines()
        return replace(self.chapter, text="\n".join(lines) + "\n")

    def __str__(self) -> str:
        return f"{self.chapter.file}:{self.cell.line}  {self.what}"


def mutants_of(chapter: Chapter) -> list[Mutant]:
    """Every mutant of the chapter, in the order of its cells."""
    visible = [cell for cell in chapter.cells if not cell.tags & NOT_PERTURBED]
    columns = sorted({name for cell in visible for name in _columns(cell)})
    return [
        Mutant(chapter, cell, source, what)
        for cell in visible
        for source, what in _perturb(cell.source, columns)
    ]


def _columns(cell: Cell) -> set[str]:
    """String keys that a cell subscripts by: columns, mostly."""
    tree = python_of(cell.source)
    nodes = ast.walk(tree) if tree else ()
    keys = [node.slice for node in nodes if isinstance(node, ast.Subscript)]
    return {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def _perturb(source: str, columns: list[str]) -> Iterator[tuple[str, str]]:
    """(source, what was done) of each mutant of a cell."""
    tree = python_of(source)
    if tree is None:
        yield from _without_a_line(source)
        return
    for rank, _ in enumerate(ast.walk(tree)):
        copy = ast.parse(source)
        node = list(ast.walk(copy))[rank]
        what = _change(node, columns)
        if what:
            yield ast.unparse(copy), f"{what} (ligne {node.lineno} de la cellule)"
    for rank, statement in enumerate(tree.body):
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            yield _without_a_row(source, rank, statement.targets[0].id)


def _without_a_line(source: str) -> Iterator[tuple[str, str]]:
    lines = source.splitlines()
    for rank, line in enumerate(lines):
        if rank and line.strip() and not line.lstrip().startswith("#"):
            yield "\n".join(lines[:rank] + lines[rank + 1 :]), f"ligne retirée : {line.strip()[:60]}"


def _without_a_row(source: str, rank: int, name: str) -> tuple[str, str]:
    tree = ast.parse(source)
    drop = f"{name} = {name}.iloc[1:] if hasattr({name}, 'iloc') and len({name}) > 1 else {name}"
    tree.body.insert(rank + 1, ast.parse(drop).body[0])
    return ast.unparse(tree), f"première ligne de « {name} » retirée"


def _change(node: ast.AST, columns: list[str]) -> str | None:
    """Perturb the node in place; say what was done, or None where nothing applies."""
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in OPERATORS:
        return _swap_operator(node)
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OPERATORS:
        before = type(node.ops[0])
        node.ops[0] = OPERATORS[before]()
        return f"{before.__name__} → {OPERATORS[before].__name__}"
    if isinstance(node, ast.Constant):
        return _change_constant(node)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return _change_column(node.slice, columns)
    return None


def _swap_operator(node: ast.BinOp | ast.BoolOp) -> str:
    before = type(node.op)
    node.op = OPERATORS[before]()
    return f"{before.__name__} → {OPERATORS[before].__name__}"


def _change_constant(node: ast.Constant) -> str | None:
    before = node.value
    if isinstance(before, bool):
        node.value = not before
    elif isinstance(before, int):
        node.value = before + 1
    elif isinstance(before, float):
        node.value = before * 1.1 + 0.01
    else:
        return None
    return f"{before!r} → {node.value!r}"


def _change_column(key: ast.Constant, columns: list[str]) -> str | None:
    others = [name for name in columns if name != key.value]
    if not isinstance(key.value, str) or not others:
        return None
    before, key.value = key.value, others[len(key.value) % len(others)]
    return f"colonne « {before} » → « {key.value} »"


def visible_outputs(chapter: Chapter, notebook: NotebookNode, mask: bool = True) -> list[str]:
    """Outputs that reach the page, one text per cell; numbers of `mesure` cells masked.

    With the spaces before them, which align a column on its longest number.
    """
    nodes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        re.sub(r" *\d+", "0", text) if mask and "mesure" in cell.tags else text
        for cell, node in zip(chapter.cells, nodes, strict=True)
        if "remove-cell" not in cell.tags
        for text in ["".join(map(_text, node.outputs))]
    ]


def _text(output: NotebookNode) -> str:
    data = output.get("data", {})  # the cache sorts the formats, a kernel does not
    return output.get("text", "") + "".join(str(data[key]) for key in sorted(data))


def verdict(run: execution.Run, baseline: list[str], chapter: Chapter) -> str:
    """`caught by a check`, `caught by an error`, `unchanged` or `survived`."""
    if run.failure is not None:
        check = run.failure.cell.tags & {"verification", "controle"}
        return "caught by a check" if check else "caught by an error"
    if visible_outputs(chapter, run.notebook) == baseline:
        return "unchanged"
    return "survived"


@dataclass(frozen=True)
class Sample:
    """Verdict of each mutant that ran within the time bound, out of `drawn`."""

    verdicts: dict[Mutant, str]
    drawn: int

    @property
    def cut_short(self) -> bool:
        return len(self.verdicts) < self.drawn


def main(book: list[Chapter], sample: int, seconds: float, seed: int = SEED) -> int:
    """Run a sample of mutants of each chapter, the same for the same seed, report, and return 1 where one
    misses the goal."""
    reached = True
    for chapter in book:
        with _copy_of_the_book(chapter) as copied:
            found = _run_sample(copied, sample, seconds / len(book), seed)
        reached &= _report(chapter, found)
    return 0 if reached else 1


@contextmanager
def _copy_of_the_book(chapter: Chapter) -> Iterator[Chapter]:
    """The chapter in a throw-away copy, outside any repository.

    A perturbed cell may write anywhere near its chapter: one that lost its `cd` once committed to
    the author's own repository.
    """
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        root = Path(folder)
        for name in ("_config.yml", "requirements.txt"):
            shutil.copy(chapter.root / name, root / name)
        shutil.copytree(chapter.root / NOTEBOOKS, root / NOTEBOOKS)
        prepared = chapter.root / "_build" / "conteneurs"
        if prepared.is_dir():
            (root / "_build").mkdir()
            (root / "_build" / "conteneurs").symlink_to(prepared)
        yield read(root, root / chapter.file)


def _run_sample(chapter: Chapter, sample: int, seconds: float, seed: int) -> Sample:
    execution.execute([chapter])
    notebook = Cache(chapter.root).executed(chapter)
    if notebook is None:
        raise SystemExit(f"{chapter.file} : le chapitre échoue sans altération ; corrigez-le d'abord.")
    baseline = visible_outputs(chapter, notebook)
    candidates = mutants_of(chapter)
    drawn = random.Random(seed).sample(candidates, min(sample, len(candidates)))
    by_text = {mutant.perturbed.text: mutant for mutant in drawn}
    perturbed = [mutant.perturbed for mutant in by_text.values()]
    verdicts: dict[Mutant, str] = {}
    for run in execution.run_all(perturbed, {}, lambda line: None, seconds):
        mutant = by_text[run.chapter.text]
        verdicts[mutant] = verdict(run, baseline, run.chapter)
        print(f"  {len(verdicts)}/{len(perturbed)}  {verdicts[mutant]}  {mutant}", flush=True)
    return Sample(verdicts, len(perturbed))


def _report(chapter: Chapter, sample: Sample) -> bool:
    """Print what the sample gave, and put it on record where it is whole; return whether the goal is
    reached."""
    verdicts = list(sample.verdicts.values())
    counts = {v: verdicts.count(v) for v in sorted(set(verdicts))}
    caught = sum(count for v, count in counts.items() if v.startswith("caught"))
    telling = caught + counts.get("survived", 0)
    if not sample.cut_short:
        state.record(chapter.root, chapter, caught, telling)
    share = caught / telling if telling else 1.0
    details = ", ".join(f"{count} {v}" for v, count in counts.items())
    print(f"{chapter.file}: {caught}/{telling} caught ({share:.0%}); {details}", flush=True)
    if sample.cut_short:
        done = f"le temps accordé n'a suffi qu'à {len(verdicts)} des {sample.drawn} altérations tirées"
        remedy = "donnez plus de temps (--minutes), ou tirez-en moins (--sample)"
        print(f"{chapter.file} : {done}. Rien n'est inscrit dans {state.RECORD} : {remedy}.", flush=True)
    return share >= GOAL
