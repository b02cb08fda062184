"""Pytest plugin: every code cell of every chapter is a test item that bears its file and line.

The items are fed by one execution per chapter, through the cache that the build uses too: what the
tests executed, the build does not execute again. Where several processes share the tests, the first one
executes and the others wait for its outputs.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ssphub_book import chapters, contract, environment, execution

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "_build/tests.lock"
RUNS = pytest.StashKey[dict[str, execution.Run]]()


class CellFailure(Exception):
    """A cell failed; the message is the one that the build gives."""


class ChapterFile(pytest.File):
    """One chapter: an item per code cell, then one for what its outputs show."""

    def collect(self):
        chapter = chapters.read(ROOT, self.path)
        for cell in chapter.cells:
            name = f"ligne {cell.line}" + (" (verification)" if "verification" in cell.tags else "")
            yield CellItem.from_parent(self, name=name, chapter=chapter, cell=cell)
        yield OutputsItem.from_parent(self, name="sorties", chapter=chapter)


class _ChapterItem(pytest.Item):
    def __init__(self, *, chapter: chapters.Chapter, **arguments):
        super().__init__(**arguments)
        self.chapter = chapter

    def run(self) -> execution.Run:
        """What became of the chapter; the first item that asks has every selected chapter executed."""
        stash = self.session.stash
        if RUNS not in stash:
            with turn():
                stash[RUNS] = _execute(self.session.items)
        return stash[RUNS][self.chapter.name]

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, CellFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class CellItem(_ChapterItem):
    """One code cell."""

    def __init__(self, *, cell: chapters.Cell, **arguments):
        super().__init__(**arguments)
        self.cell = cell

    def runtest(self) -> None:
        outcome = self.run().outcomes[self.cell.number - 1]
        where = f"{self.chapter.file}:{self.cell.line}"
        if outcome.status == "failed":
            raise CellFailure(f"{where}  cellule {self.cell.number} : {outcome.message}")
        if outcome.status == "not run":
            pytest.skip("une cellule précédente du chapitre a échoué")
        if outcome.status == "no engine" and os.environ.get("CI") == "true":
            raise CellFailure(f"{where}  {outcome.message} (en CI, tout doit s'exécuter)")
        if outcome.status == "no engine":
            pytest.skip(outcome.message)

    def reportinfo(self):
        return self.path, self.cell.line - 1, f"{self.chapter.file}:{self.cell.line}"


class OutputsItem(_ChapterItem):
    """The outputs of the chapter: alternative texts, captions, no warning on the page."""

    def runtest(self) -> None:
        run = self.run()
        if run.notebook is None:
            pytest.skip("le chapitre ne s'est pas exécuté jusqu'au bout")
        findings = contract.check_outputs(self.chapter, run.notebook)
        if findings:
            raise CellFailure("\n".join(map(str, findings)))

    def reportinfo(self):
        return self.path, 0, f"{self.chapter.file} (sorties)"


def _execute(items: list[pytest.Item]) -> dict[str, execution.Run]:
    """Execute the chapters of the selected items, each up to its last selected cell."""
    selected = [item for item in items if isinstance(item, _ChapterItem)]
    book = {item.chapter.name: item.chapter for item in selected}
    whole = {item.chapter.name for item in selected if isinstance(item, OutputsItem)}
    until = {
        name: max(item.cell.number for item in selected if item.chapter.name == name)
        for name in book.keys() - whole
    }
    return execution.execute(book.values(), until=until)


@contextmanager
def turn() -> Iterator[None]:
    """Hold the right to execute or build this book, once no other process of the tests does."""
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def pytest_configure(config: pytest.Config) -> None:
    environment.activate()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ChapterFile | None:
    folder = ROOT / chapters.NOTEBOOKS
    if file_path.suffix == ".md" and file_path.parent.parent == folder and file_path.parent.name != "data":
        return ChapterFile.from_parent(parent, path=file_path)
    return None
