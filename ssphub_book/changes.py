"""The pages that a set of commits changes: their own files, and what their outputs depend on."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from ssphub_book import chapters, contract

SHARED = ("ssphub_book/", "_config.yml", "_toc.yml", "requirements.txt")


class UnknownCommit(Exception):
    """Git does not know the commit; the message says so in French."""


@dataclass(frozen=True)
class Changes:
    """Names of the pages, as `_toc.yml` gives them, and whether what all pages share changed."""

    pages: list[str]
    everywhere: bool


def since(root: Path, commit: str) -> Changes:
    """What changed from `commit`, or from where it and HEAD parted. Raises UnknownCommit."""
    command = ["git", "diff", "--name-only", "-z", f"{commit}...HEAD"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UnknownCommit(f"Git ne connaît pas « {commit} » : donnez un commit de ce dépôt.")
    return of_files(root, set(filter(None, done.stdout.split("\0"))))


def of_files(root: Path, files: set[str]) -> Changes:
    """What changes with some files, given from the root."""
    listed = set(contract.table_of_contents(root))
    pages = {file.removesuffix(".md") for file in files} & listed
    for chapter in chapters.find(root):
        modules = [path.relative_to(root.resolve()).as_posix() for path in chapter.modules]
        inputs = (*modules, *(f"{chapters.DATA}/{name}/" for name in chapter.data))
        if any(file.startswith(inputs) for file in files):
            pages.add(chapter.file.removesuffix(".md"))
    return Changes(sorted(pages & listed), any(file.startswith(SHARED) for file in files))
