"""The folder that Sphinx reads in the preview: each file of the book as it was when it last was sound.

A chapter enters it once the cache holds its outputs, with its fingerprint written in it: what is
broken, or not executed yet, leaves the last good text where it is.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ssphub_book.chapters import DATA, NOTEBOOKS, Chapter, ChapterError

PAGES = ("book", NOTEBOOKS)
TEMPLATE = "ssphub_book/template"  # the guide shows it
WAITING = """\
---
chapitre: {front}
---

# {title}

Cette page attend que le chapitre soit lu et exécuté jusqu'au bout.
"""


class Mirror:
    """`changed` names the files that Sphinx has to read, until they are taken out of it."""

    def __init__(self, root: Path, folder: Path):
        self.root, self.folder = root, folder
        self.changed: set[str] = set()
        for name in (DATA, TEMPLATE):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if not (folder / name).is_symlink() and (root / name).is_dir():
                (folder / name).symlink_to(root / name, target_is_directory=True)

    def put(self, file: str, text: str) -> None:
        """Give a file, named from the root, this text."""
        target = self.folder / file
        if not target.is_file() or target.read_text(encoding="utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            self.changed.add(file)

    def put_waiting(self, chapter: Chapter) -> None:
        """Keep a chapter's place in the book until its first good text is there."""
        if not (self.folder / chapter.file).is_file():
            held = "\n".join(f"% {line}" for line in chapter.lines)  # other pages quote some of its lines
            self.put(chapter.file, WAITING.format(front=_front(chapter), title=chapter.title) + held)

    def has(self, file: str) -> bool:
        return (self.folder / file).is_file()

    def follow(self) -> None:
        """Copy the files that are no chapter, and forget every file that the book no longer has."""
        sources = {path.relative_to(self.root): path for path in _files(self.root)}
        for name, source in sources.items():
            if not is_chapter(name) and _differs(source, self.folder / name):
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, self.folder / name)
                self.changed.add(name.as_posix())
        for path in [*_files(self.folder)]:
            if (name := path.relative_to(self.folder)) not in sources:
                path.unlink()
                self.changed.add(name.as_posix())


def _front(chapter: Chapter) -> str:
    """What the chapter says of itself, which lists of chapters show; empty where it cannot be read."""
    try:
        return json.dumps(chapter.front, ensure_ascii=False)
    except ChapterError:
        return "{}"


def is_chapter(name: Path) -> bool:
    """Whether a path, from the root of the book, is that of a chapter."""
    theme, *below = name.parts[1:] or ("",)
    return name.parts[0] == NOTEBOOKS and name.suffix == ".md" and len(below) == 1 and theme != "data"


def _files(root: Path) -> Iterator[Path]:
    """The files of the pages' folders, less data and what Python and Jupyter leave beside them."""
    for top in PAGES:
        for folder, below, names in os.walk(root / top):
            kept = [n for n in below if not n.startswith((".", "__")) and Path(folder, n) != root / DATA]
            below[:] = kept
            yield from (Path(folder, name) for name in names if not name.startswith("."))


def _differs(source: Path, copy: Path) -> bool:
    if not copy.is_file():
        return True
    ours, theirs = source.stat(), copy.stat()
    return (ours.st_size, ours.st_mtime_ns) != (theirs.st_size, theirs.st_mtime_ns)
