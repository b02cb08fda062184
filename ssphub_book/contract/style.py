"""The style of the code, cells and modules beside them, by the rules of ruff that `pyproject.toml` sets."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from ssphub_book.chapters import Chapter
from ssphub_book.contract.finding import Finding

SETTINGS = Path(__file__).resolve().parents[2] / "pyproject.toml"
REDEFINED = "F811"  # a solution defines again what the skeleton of its exercise left to write
REMEDY = "corrigez la ligne ; « ruff rule {code} » explique la règle."


def check_style(chapters: list[Chapter]) -> Iterator[Finding]:
    """Findings on the code of all these chapters: their cells, which ruff reads as notebooks, their modules.

    Raises RuntimeError where ruff itself fails.
    """
    if not chapters:
        return
    with TemporaryDirectory(prefix="style-") as place:
        files = {str(Path(place, f"{rank}.ipynb")): chapter for rank, chapter in enumerate(chapters)}
        for file, chapter in files.items():
            Path(file).write_text(_notebook(chapter), encoding="utf-8")
        modules = {str(path): path for chapter in chapters for path in chapter.modules}
        for found in _ruff([*files, *modules]):
            if path := modules.get(found["filename"]):
                yield _finding(path.relative_to(chapters[0].root).as_posix(), 1, found)
                continue
            chapter = files[found["filename"]]
            cell = chapter.cells[found["cell"] - 1]
            if not (found["code"] == REDEFINED and "solution" in cell.tags):
                yield _finding(chapter.file, cell.line, found)


def _notebook(chapter: Chapter) -> str:
    """The code cells alone, in ruff's own format: it knows magics, and what a cell takes from others."""
    code = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    notebook = {
        "cells": [code | {"id": str(cell.number), "source": cell.source} for cell in chapter.cells],
        "metadata": {"language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook)


def _ruff(files: list[str]) -> list[dict]:
    program = Path(sys.executable).with_name("ruff")
    command = [program, "check", "--no-cache", "--config", SETTINGS, "--output-format", "json", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"ruff: {done.stderr}")
    return json.loads(done.stdout)


def _finding(file: str, first: int, found: dict) -> Finding:
    """`first`: the line of the file where what ruff read begins."""
    code = found["code"] or "syntaxe"
    line = first + found["location"]["row"] - 1
    return Finding(file, line, "style", f"{code} : {found['message']}.", REMEDY.format(code=code))
