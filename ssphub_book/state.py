"""The state of each chapter: what it holds, what its checks caught, how long and with what it ran."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml

from ssphub_book import contract, history, kept
from ssphub_book.cache import Cache
from ssphub_book.chapters import Cell, Chapter, python_of

RECORD = "notebooks/mutants.yml"
RECORD_HEAD = "# Written by `make mutants`: of the mutants that changed an output, how many a check caught.\n"
LIBRARIES = {"sklearn": "scikit-learn"}  # an import whose distribution has another name
SHOWN = ("pandas", "scikit-learn", "matplotlib", "altair", "pyspark", "duckdb", "polars", "jupytext")


@dataclass(frozen=True)
class Mutants:
    """What `make mutants` last found: of `telling` mutants, those that changed an output, `caught`."""

    caught: int
    telling: int
    code: str  # fingerprint of the code that was perturbed


@dataclass(frozen=True)
class State:
    """One chapter. What nobody measured, or no longer holds, is None."""

    chapter: Chapter
    cells: int
    shown: int
    checks: int
    assertions: int
    mutants: Mutants | None
    seconds: float | None
    executed: date | None
    versions: list[str]
    changed: date | None
    findings: int


def of_book(book: list[Chapter]) -> list[State]:
    """The state of each chapter, in the order given."""
    if not book:
        return []
    root = book[0].root
    cache, record, dates = Cache(root), mutants(root), history.dates(root)
    listed = set(contract.table_of_contents(root))
    return [_state(chapter, cache, record, dates, listed) for chapter in book]


def _state(
    chapter: Chapter,
    cache: Cache,
    record: dict[str, Mutants],
    dates: dict[str, history.Dates],
    listed: set[str],
) -> State:
    said = kept.of(chapter.root, chapter.file, "etat", chapter.text, lambda: _said(chapter))
    found = record.get(chapter.name)
    last = cache.last_run(chapter)
    changed = dates.get(chapter.file)
    return State(
        chapter,
        cells=said["cells"],
        shown=said["shown"],
        checks=said["checks"],
        assertions=said["assertions"],
        mutants=found if found and found.code == said["code"] else None,
        seconds=last.seconds if last else None,
        executed=last.moment.date() if last else None,
        versions=said["versions"],
        changed=changed.last.date() if changed else None,
        findings=len(contract.check(chapter, listed)),
    )


def _said(chapter: Chapter) -> dict:
    """What the text of the chapter alone says of it."""
    checks = [cell for cell in chapter.cells if "verification" in cell.tags]
    return {
        "cells": len(chapter.cells),
        "shown": sum("remove-cell" not in cell.tags for cell in chapter.cells),
        "checks": len(checks),
        "assertions": sum(map(_assertions, checks)),
        "code": code(chapter),
        "versions": versions(chapter),
    }


def _assertions(cell: Cell) -> int:
    tree = python_of(cell.source)
    return sum(isinstance(node, ast.Assert) for node in ast.walk(tree)) if tree else 0


def code(chapter: Chapter) -> str:
    """Fingerprint of the chapter's code cells: a mutant of other code says nothing of them."""
    return hashlib.sha256("\0".join(cell.source for cell in chapter.cells).encode()).hexdigest()[:12]


def versions(chapter: Chapter) -> list[str]:
    """« Python 3.13 » and the main libraries that the cells import, with their versions here."""
    found = {LIBRARIES.get(name, name) for cell in chapter.cells for name in _imports(cell)}
    libraries = [_version(name) for name in SHOWN if name in found]
    return [f"Python {sys.version_info[0]}.{sys.version_info[1]}", *filter(None, libraries)]


def _imports(cell: Cell) -> Iterator[str]:
    for node in ast.walk(python_of(cell.source) or ast.Module([], [])):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def _version(distribution: str) -> str | None:
    try:
        return f"{distribution} {version(distribution)}"
    except PackageNotFoundError:
        return None


def mutants(root: Path) -> dict[str, Mutants]:
    """What is on record, by name of chapter."""
    path = root / RECORD
    said = yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader) if path.is_file() else None
    return {name: Mutants(**values) for name, values in (said or {}).items()}


def record(root: Path, chapter: Chapter, caught: int, telling: int) -> None:
    """Put on record what the mutants of one chapter gave, unless a larger sample of its code already is."""
    known, found = mutants(root), Mutants(caught, telling, code(chapter))
    before = known.get(chapter.name)
    if before and before.code == found.code and before.telling > telling:
        return
    known[chapter.name] = found
    text = yaml.safe_dump({name: asdict(known[name]) for name in sorted(known)}, sort_keys=False)
    (root / RECORD).write_text(RECORD_HEAD + text, encoding="utf-8")
