"""The table of contents: every chapter is in it, and what it names exists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from ssphub_book.chapters import Chapter
from ssphub_book.contract.finding import Finding


def _listed(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    file = chapter.file.removesuffix(".md")
    if file not in toc:
        message, remedy = "ce chapitre n'est pas dans _toc.yml.", f"ajoutez-y la ligne « - file: {file} »."
        yield Finding(chapter.file, 1, "table-des-matieres", message, remedy)


def absent(root: Path, toc: dict[str, int]) -> Iterator[Finding]:
    """A finding for each file that `_toc.yml` names, with its line, and that is not there."""
    for file, line in toc.items():
        if not any((root / f"{file}{suffix}").is_file() for suffix in (".md", ".ipynb", ".rst")):
            message, remedy = f"« {file} » n'existe pas.", "corrigez son nom ou retirez la ligne."
            yield Finding("_toc.yml", line, "table-des-matieres", message, remedy)


def table_of_contents(root: Path) -> dict[str, int]:
    """Files named in `_toc.yml` (root, chapters, sections), with their line."""
    text = (root / "_toc.yml").read_text(encoding="utf-8")
    found: dict[str, int] = {}

    def walk(node: yaml.Node) -> None:
        if isinstance(node, yaml.SequenceNode):
            for item in node.value:
                walk(item)
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value in {"file", "root"}:
                    found[value.value.removesuffix(".md")] = value.start_mark.line + 1
                walk(value)

    walk(yaml.compose(text, Loader=yaml.CSafeLoader))
    return found


RULES = (_listed,)
