"""Find and parse chapters: front matter, cells with their line numbers, data sets used, fingerprint.

A chapter is a MyST notebook under `notebooks/<theme>/`. This module reads; it executes no cell and
imports nothing of the package but what keeps readings, so every other module may rest on it.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import nbformat
import yaml

from ssphub_book import kept

NOTEBOOKS = "notebooks"
DATA = "notebooks/data"
STYLE = "notebooks/ssphub.mplstyle"
LAST_PART = "Pour aller plus loin"  # the heading above a chapter's references
FENCE = re.compile(r"(`{3,}|~{3,})")
HEADING = re.compile(r"(#{1,6})\s+(.*)")
OPENERS = frozenset("`~#")  # what the lines of both begin with
NUMBERED = {kind: re.compile(rf"{kind} \d+\b") for kind in ("Exercice", "Question")}
COMPANION = re.compile(r"\]\((\w+\.py)\)")
ENGINE_TAG = re.compile(r"^:?tags:.*\bmoteur\b", re.MULTILINE)
DISPLAY_NAME = re.compile(r"^(\s+display_name:\s*)(.*)$", re.MULTILINE)
KEYED = re.compile(r"Python 3 \(([0-9a-f]{16})\)")


class ChapterError(Exception):
    """A chapter that cannot be read; `str()` gives `file:line  message`, in French for its author."""

    def __init__(self, path: Path | str, line: int, message: str):
        super().__init__(f"{path}:{line}  {message}")
        self.path, self.line, self.message = path, line, message


class UnknownChapter(Exception):
    """A name that is no chapter's; `str()` says so in French, with the names that come near."""


@dataclass(frozen=True)
class Cell:
    """One code cell: its rank among the code cells (from 1), its first line in the file, its options."""

    number: int
    line: int
    source: str
    metadata: dict

    @property
    def tags(self) -> frozenset[str]:
        return frozenset(self.metadata.get("tags", ()))


@dataclass(frozen=True)
class Chapter:
    """One chapter, as its file says it."""

    root: Path
    path: Path
    text: str

    @property
    def name(self) -> str:
        """`theme/chapter`, which is also the end of its address."""
        return self.path.relative_to(self.root / NOTEBOOKS).with_suffix("").as_posix()

    @property
    def file(self) -> str:
        """The path that messages show, from the root of the book."""
        return self.path.relative_to(self.root).as_posix()

    @cached_property
    def header(self) -> dict:
        """The whole front matter. Raises ChapterError where it is missing or not YAML."""
        match = re.match(r"---\n(.*?)\n---\n", self.text, re.DOTALL)
        if match is None:
            raise ChapterError(self.file, 1, "en-tête absent : le fichier doit commencer par « --- ».")
        try:
            header = yaml.load(match[1], Loader=yaml.CSafeLoader)  # ten times as fast as safe_load
        except yaml.MarkedYAMLError as error:
            line = 2 + (error.problem_mark.line if error.problem_mark else 0)
            raise ChapterError(self.file, line, f"en-tête illisible : {error.problem}.") from None
        if not isinstance(header, dict):
            raise ChapterError(self.file, 2, "en-tête illisible : des clés « nom: valeur » attendues.")
        return header

    @property
    def title(self) -> str:
        """The title of level 1; the name of the chapter where there is none."""
        return next((title for _, level, title in self.headings if level == 1), self.name)

    @property
    def front(self) -> dict:
        """What the front matter says under `chapitre:`; empty where it says nothing."""
        front = self.header.get("chapitre")
        return front if isinstance(front, dict) else {}

    @property
    def data(self) -> list[str]:
        """Names of the data folders that the chapter declares."""
        names = self.front.get("donnees") or []
        return [str(name) for name in names] if isinstance(names, list) else []

    @cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def line_of(self, key: str) -> int:
        """Line of a key of the front matter (1 where it is missing)."""
        for number, line in enumerate(self.lines, start=1):
            if number > 1 and line == "---":
                break
            if line.strip().startswith(f"{key}:"):
                return number
        return 1

    @cached_property
    def headings(self) -> list[tuple[int, int, str]]:
        """(line, level, title) of each heading outside code."""
        found, fence = [], None
        for number, line in enumerate(self.lines, start=1):
            if line[:1] not in OPENERS:
                continue
            mark = FENCE.match(line)
            if mark and fence is None:
                fence = mark[1]
            elif mark and line.strip() == mark[1] and len(mark[1]) >= len(fence):
                fence = None
            elif fence is None and (heading := HEADING.match(line)):
                found.append((number, len(heading[1]), heading[2].strip()))
        return found

    def numbered(self, kind: str) -> list[tuple[int, int, str]]:
        """(first line, last line, title) of each « Exercice 1 : … » or « Question 1 : … »."""
        marks = [*self.headings, (len(self.lines) + 1, 1, "")]
        return [
            (line, following[0] - 1, title)
            for (line, _, title), following in pairwise(marks)
            if NUMBERED[kind].match(title)
        ]

    def parse(self) -> None:
        """Read the header and the cells. Raises ChapterError, so that nothing runs before all are sound."""
        _ = self.header, self.cells

    @cached_property
    def notebook(self) -> nbformat.NotebookNode:
        """The notebook with its fingerprint in it: what the cache, the tests and Sphinx all read."""
        return kept.of(self.root, self.file, "notebook", self.keyed_text, self._parsed)

    def _parsed(self) -> nbformat.NotebookNode:
        from myst_nb.core.read import MystMetadataParsingError, read_myst_markdown_notebook

        try:
            return read_myst_markdown_notebook(self.keyed_text, add_source_map=True, path=self.path)
        except MystMetadataParsingError as error:
            at = re.search(r"at line (\d+)", str(error))
            message = (
                "les options de cette cellule ne sont pas du YAML lisible (un texte avec « : » se cite)."
            )
            raise ChapterError(self.file, int(at[1]) if at else 1, message) from None

    @cached_property
    def cells(self) -> list[Cell]:
        """The code cells, in order."""
        pairs = zip(self.notebook.cells, self.notebook.metadata.source_map, strict=True)
        code = [(cell, start) for cell, start in pairs if cell.cell_type == "code"]
        return [
            Cell(number, self._first_line(start), cell.source, dict(cell.metadata))
            for number, (cell, start) in enumerate(code, start=1)
        ]

    def _first_line(self, start: int) -> int:
        """Line (from 1) of the first line of code, past the options of the cell."""
        line = start
        if line < len(self.lines) and self.lines[line].strip() == "---":
            line = self.lines.index("---", line + 1) + 1
        while line < len(self.lines) and re.match(r":[\w-]+:", self.lines[line]):
            line += 1
        return line + 1

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that the outputs depend on besides the code cells themselves.

        Data files, the book's Matplotlib style, the compiled requirements, the Python version, the
        modules of this repository that cells import, and the engines that the chapter may need. A
        copy that bears its fingerprint already (the preview's) keeps it.
        """
        name = DISPLAY_NAME.search(self.text)
        if name and (keyed := KEYED.fullmatch(name[2])):
            return keyed[1]
        found = engines(self.root) if ENGINE_TAG.search(self.text) else {}
        digest = hashlib.sha256(f"{sys.version_info[:2]} {found}".encode())
        for path in self._inputs():
            digest.update(path.relative_to(self.root).as_posix().encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    @cached_property
    def keyed_text(self) -> str:
        """The text with the fingerprint beside the kernel's display name, on the same line.

        Jupyter-cache keys an executed notebook by its code cells and its `kernelspec`: this makes
        its key cover the data too, for `jupyter-book build .` as for our own commands.
        """
        return DISPLAY_NAME.sub(rf"\g<1>Python 3 ({self.fingerprint})", self.text, count=1)

    def _inputs(self) -> list[Path]:
        folders = [self.root / DATA / name for name in self.data]
        data = [p for f in folders for p in sorted(f.glob("**/*")) if p.suffix not in {".md", ".py"}]
        shared = [self.root / STYLE, self.root / "requirements.txt"]
        return [p for p in (*data, *shared, *self.modules) if p.is_file()]

    @cached_property
    def modules(self) -> list[Path]:
        """Modules of this repository that the code imports, directly or not."""
        bases = (self.path.parent, self.root / NOTEBOOKS, self.root)
        local = {entry.partition(".")[0] for base in bases if base.is_dir() for entry in os.listdir(base)}
        seen: set[Path] = set()

        def follow(names: set[str]) -> None:
            near = [name.replace(".", "/") for name in names if name.partition(".")[0] in local]
            found = {path for name in near for base in bases if (path := base / f"{name}.py").is_file()}
            for path in found - seen:
                seen.add(path)
                follow(_imported(path.read_text(encoding="utf-8")))

        follow(kept.of(self.root, self.file, "imports", self.text, lambda: _imported(_code(self.text))))
        return sorted(seen)

    @property
    def companions(self) -> list[Path]:
        """Programs of the chapter's folder that its text offers to download."""
        names = sorted(set(COMPANION.findall(self.text)))
        return [path for path in map(self.path.with_name, names) if path.is_file()]


def _code(text: str) -> str:
    """The code of the cells of a chapter."""
    return "\n".join(re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE))


def _imported(source: str) -> set[str]:
    """The modules that code imports, and what it imports of them, which may be modules too."""
    found = re.findall(r"^[ \t]*(?:from|import)\s+([\w.]+)", source, re.MULTILINE)
    listed = re.findall(r"^[ \t]*from\s+([\w.]+)\s+import\s+([\w, ]+)", source, re.MULTILINE)
    parts = {f"{name}.{part.strip().split(' ')[0]}" for name, of in listed for part in of.split(",")}
    return parts.union(found)


def engines(root: Path) -> dict[str, object]:
    """The engines within reach of this process, and what the base images of containers were made from."""
    prepared = root / "_build/conteneurs/preparation.json"
    images = prepared.read_text(encoding="utf-8") if prepared.is_file() else ""
    found = {name: shutil.which(name) is not None for name in ("java", "podman", "docker")}
    if found["docker"] and '"moteur": "docker"' in images:  # a client is no engine without its daemon
        found["docker"] = subprocess.run(["docker", "version"], capture_output=True).returncode == 0
    return found | {"images": images}


def read(root: Path, path: Path) -> Chapter:
    """Read the chapter at `path`. Raises ChapterError where the file is not there or not UTF-8."""
    root, path = root.resolve(), path.resolve()
    try:
        return Chapter(root, path, path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ChapterError(path, 1, "ce fichier n'existe pas.") from None
    except UnicodeDecodeError:
        raise ChapterError(path, 1, "ce fichier n'est pas en UTF-8 : enregistrez-le en UTF-8.") from None


def find(root: Path) -> list[Chapter]:
    """Every chapter of the book, in the order of their paths."""
    paths = sorted((root / NOTEBOOKS).glob("*/*.md"))
    return [read(root, path) for path in paths if path.parent.name != "data"]


def named(root: Path, name: str) -> Chapter:
    """The chapter that a person names: its path, `theme/chapter`, or the end of it alone.

    Raises UnknownChapter where there is none, or more than one.
    """
    book = {chapter.name: chapter for chapter in find(root.resolve())}
    short = name.removeprefix("./").removeprefix(f"{NOTEBOOKS}/").removesuffix(".md").strip("/")
    path = Path(name).resolve()
    found = [one for one in book.values() if one.path == path or one.name == short]
    found = found or [one for one in book.values() if one.path.stem == short]
    if len(found) == 1:
        return found[0]
    if found:
        names = " ou ".join(f"« {one.name} »" for one in found)
        raise UnknownChapter(f"« {name} » désigne plusieurs chapitres : écrivez {names}.")
    raise UnknownChapter(_miss(root, name, short, book))


def _miss(root: Path, name: str, short: str, book: dict[str, Chapter]) -> str:
    if path := next((p for p in (Path(name), root / name) if p.is_file()), None):
        return f"« {path} » n'est pas un chapitre : un chapitre est un fichier {NOTEBOOKS}/<thème>/<nom>.md."
    ends = {one.path.stem: one.name for one in book.values()}
    near = get_close_matches(short.rsplit("/", 1)[-1], ends, n=1)
    file = name.endswith(".md")
    missing = f"le fichier « {name} » n'existe pas." if file else f"aucun chapitre « {name} »."
    if near:
        return f"{missing} Vouliez-vous dire « {ends[near[0]]} » ?"
    return f"{missing} Les chapitres sont : {', '.join(book)}."


def python_of(source: str) -> ast.Module | None:
    """The syntax tree of a cell, or None for a cell in another language or with magics."""
    if source.lstrip().startswith("%%"):
        return None
    try:
        return ast.parse(source)
    except SyntaxError:
        return None
