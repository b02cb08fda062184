"""The notebooks that a reader downloads: a chapter with its exercises to do, and with their solutions.

A notebook holds no output. What JupyterLab cannot show becomes plain Markdown (`plain`), and hidden
checks are left out; its first code cell says in French what is missing beside it, if anything is.
The same chapter gives the same bytes.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ssphub_book import chapters, plain
from ssphub_book import kept as readings
from ssphub_book.chapters import Cell, Chapter, ChapterError

ARCHIVE = "cahiers-notebooks.zip"  # at the root of the site: all the notebooks, and what they need
LOCK = "requirements.txt"
INSTALL = "pip install jupyterlab -r requirements.txt"
UNIX = f"python3 -m venv .venv && . .venv/bin/activate && {INSTALL} && jupyter lab"
WINDOWS = rf"py -m venv .venv && .venv\Scripts\activate && {INSTALL} && jupyter lab"
EXERCISES, SOLUTIONS = "", "-solution"  # what follows the name of the chapter in the two files
VERSIONS = {EXERCISES: "exercices", SOLUTIONS: "solutions"}
HIDDEN = {"verification", "remove-cell"}
LEFT_OUT = {EXERCISES: HIDDEN | {"solution"}, SOLUTIONS: HIDDEN}
PAGE_ONLY = re.compile(r"(hide|remove)-")  # tags that speak to the page
MODULE = re.compile(r"^([A-Za-z_]\w*)(?:/|\.py,|\.[\w.-]+\.(?:so|pyd),)", re.MULTILINE)
PIN = re.compile(r"^([\w.-]+)==", re.MULTILINE)
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
INTRODUCTIONS = {
    EXERCISES: """\
# {title}

Ce notebook vient des cahiers du SSP Hub (niveau {level}). La [page du chapitre]({page}) en montre les
résultats ; ici, vous les produisez, et vous faites les exercices.

- Exécutez les cellules dans l'ordre, par `Maj` + `Entrée`.
- À chaque exercice, remplacez les trois points `...` par votre réponse et exécutez la cellule, puis celle
  du contrôle, juste dessous. Le contrôle dit ce qui est acquis et ce qui reste à revoir ; son code est
  replié.
- Les réponses sont dans la [version avec solutions]({other}).""",
    SOLUTIONS: """\
# {title}

Ce notebook vient des cahiers du SSP Hub (niveau {level}). La [page du chapitre]({page}) en montre les
résultats ; ici, vous les produisez. Les exercices y ont leurs solutions.

- Exécutez les cellules dans l'ordre, par `Maj` + `Entrée`.
- Pour chercher par vous-même d'abord, prenez la [version sans solutions]({other}).""",
}
CHECK = '''\
# Cette cellule s'assure que le notebook a ce qu'il lui faut ; elle n'est pas dans le chapitre.
from importlib.util import find_spec
from pathlib import Path


class Incomplet(Exception):
    """Dit ce qui manque, sans la trace d'exécution, qui n'apprendrait rien."""

    def _render_traceback_(self):
        return str(self).splitlines()


def chercher(fichiers, paquets):
    absents = [fichier for fichier in fichiers if not Path(fichier).exists()]
    if absents:
        raise Incomplet(
            "Ce notebook a été séparé des fichiers dont il a besoin. Il lui manque :\\n"
            + "".join(f"  {{absent}}\\n" for absent in absents)
            + "Téléchargez l'archive qui contient tout, et décompressez-la :\\n"
            "  {archive}\\n"
            "Ouvrez-y le fichier {file} : LISEZMOI.md dit comment."
        )
    inconnus = [paquet for module, paquet in paquets.items() if find_spec(module) is None]
    if inconnus:
        raise Incomplet(
            f"Il manque des paquets à cet environnement Python : {{', '.join(inconnus)}}.\\n"
            f"Exécutez cette ligne dans une nouvelle cellule : %pip install {{' '.join(inconnus)}}\\n"
            "Puis redémarrez le noyau et reprenez au début."
        )


chercher(
    fichiers={files},
    paquets={packages},
)'''


@dataclass(frozen=True)
class _Part:
    """A cell of the chapter with what it becomes: itself, and its caption where it has one."""

    tags: frozenset[str]
    cells: list[dict]


def notebooks(chapter: Chapter, glued: dict[str, str], book: plain.Book) -> dict[str, str]:
    """The two files of a chapter, by their path in the archive; `glued`: the figures that the prose quotes.

    Raises ChapterError where the prose has no plain form, or a cell needs what only a hidden one defines.
    """
    _refuse_hidden_names(chapter)
    prose = plain.Prose(chapter, book, glued)
    parts = _parts(chapter, prose)
    packages = distributions_of(chapter)
    made = {}
    for version, name in VERSIONS.items():
        cells = [_introduction(chapter, book, version, prose), _check(chapter, book, version, packages)]
        cells += _chosen(parts, version)
        about = {
            "titre": chapter.title,
            "niveau": chapter.front.get("niveau", ""),
            "page": book.link(f"{chapters.NOTEBOOKS}/{chapter.name}"),
            "version": name,
            "paquets": packages,
        }
        made[path(chapter, version)] = _text(cells, about)
    return made


def path(chapter: Chapter, version: str) -> str:
    return f"{chapters.NOTEBOOKS}/{chapter.name}{version}.ipynb"


def kept(chapter: Chapter) -> list[Cell]:
    """The code cells that a reader gets, solutions included."""
    return [cell for cell in chapter.cells if not cell.tags & HIDDEN]


def _text(cells: list[dict], about: dict[str, object]) -> str:
    """The notebook as Jupyter writes it."""
    notebook = {
        "cells": [cell | {"id": f"cellule-{rank:03d}"} for rank, cell in enumerate(cells)],
        "metadata": {"kernelspec": KERNEL, "language_info": LANGUAGE, "cahiers": about},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _chosen(parts: list[_Part], version: str) -> list[dict]:
    cells = [cell for part in parts if not part.tags & LEFT_OUT[version] for cell in part.cells]
    return [_forgiving(cell) for cell in cells] if version == EXERCISES else cells


def _markdown(source: str) -> dict:
    return {"cell_type": "markdown", "metadata": {}, "source": source.splitlines(keepends=True)}


def _code(source: str, **metadata: object) -> dict:
    lines = source.splitlines(keepends=True)
    return {
        "cell_type": "code",
        "metadata": metadata,
        "source": lines,
        "execution_count": None,
        "outputs": [],
    }


def _forgiving(cell: dict) -> dict:
    """A check that an exercise left undone fails without stopping the run of all cells."""
    tags = cell["metadata"].get("tags", [])
    if "controle" not in tags:
        return cell
    return cell | {"metadata": cell["metadata"] | {"tags": [*tags, "raises-exception"]}}


def _parts(chapter: Chapter, prose: plain.Prose) -> list[_Part]:
    code = iter(chapter.cells)
    found = []
    for node, start in zip(chapter.notebook.cells, chapter.notebook.metadata.source_map, strict=True):
        if node.cell_type == "code":
            cell = next(code)
            found.append(_Part(cell.tags, _shown(cell, prose) if not cell.tags & HIDDEN else []))
        else:
            first = next(i for i in range(start, len(chapter.lines)) if chapter.lines[i].strip())
            # the introduction bears the title
            text = re.sub(r"\A# .*\n*", "", prose.block(node.source, first + 1))
            found.append(_Part(frozenset(), [_markdown(text)] if text else []))
    return found


def _shown(cell: Cell, prose: plain.Prose) -> list[dict]:
    """A code cell, and under it the caption of what it shows."""
    metadata: dict[str, object] = {}
    if tags := [tag for tag in cell.metadata.get("tags", ()) if not PAGE_ONLY.match(tag)]:
        metadata["tags"] = tags
    if "controle" in tags:
        metadata["jupyter"] = {"source_hidden": True}
    figure = (cell.metadata.get("mystnb") or {}).get("figure") or {}
    caption = " ".join(str(figure.get("caption") or cell.metadata.get("tableau") or "").split())
    below = [_markdown(plain.italic(prose.line(caption, cell.line)))] if caption else []
    return [_code(cell.source, **metadata), *below]


def _introduction(chapter: Chapter, book: plain.Book, version: str, prose: plain.Prose) -> dict:
    """Where the notebook comes from and how to use it, under the title that the chapter gives up."""
    other = path(chapter, EXERCISES if version == SOLUTIONS else SOLUTIONS)
    text = INTRODUCTIONS[version].format(
        title=chapter.title,
        page=book.link(f"{chapters.NOTEBOOKS}/{chapter.name}"),
        level=chapter.front.get("niveau", ""),
        other=f"{book.address}{other}",
    )
    return _markdown(prose.block(text, 1))


def _check(chapter: Chapter, book: plain.Book, version: str, packages: dict[str, str]) -> dict:
    source = CHECK.format(
        archive=f"{book.address}{ARCHIVE}",
        file=path(chapter, version),
        files=_listing([f'"{file}"' for file in _beside(chapter)], "[]"),
        packages=_listing([f'"{module}": "{name}"' for module, name in packages.items()], "{}"),
    )
    return _code(source, jupyter={"source_hidden": True})


def _listing(items: list[str], brackets: str) -> str:
    lines = "".join(f"        {item},\n" for item in items)
    return f"{brackets[0]}\n{lines}    {brackets[1]}" if items else brackets


def _beside(chapter: Chapter) -> list[str]:
    """The files that the notebook needs, as they are seen from its own folder."""
    needed = [*chapter.modules, *(chapter.root / chapters.DATA / name for name in chapter.data)]
    if any(Path(chapters.STYLE).name in cell.source for cell in kept(chapter)):
        needed.append(chapter.root / chapters.STYLE)
    return sorted(os.path.relpath(file, chapter.path.parent) for file in needed)


def _refuse_hidden_names(chapter: Chapter) -> None:
    """A cell that is kept may not need what only a hidden one defines: its reader would not have it."""
    shown: set[str] = set()
    hidden: dict[str, int] = {}
    for cell in chapter.cells:
        tree = chapters.python_of(cell.source)
        if tree is None:
            continue
        bound, read = _names(tree)
        if cell.tags & HIDDEN:
            hidden |= dict.fromkeys(bound, cell.line)
            continue
        shown |= bound
        for name in sorted((read - shown) & hidden.keys()):
            message = (
                f"« {name} » n'est défini que par la cellule cachée de la ligne {hidden[name]}, que le "
                "notebook à télécharger n'a pas : définissez-le dans une cellule visible."
            )
            raise ChapterError(chapter.file, cell.line, message)


def _names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """(names that the code gives a value, parameters of its functions included; names that it reads)."""
    bound, read = set(), set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                read.add(name)
            case ast.Name(id=name) | ast.arg(arg=name):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.Import() | ast.ImportFrom():
                bound |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return bound, read


def distributions_of(chapter: Chapter) -> dict[str, str]:
    """The locked distribution of each package that the chapter imports, or the modules beside it do."""
    local = {file.stem for file in chapter.modules}
    trees = [chapters.python_of(cell.source) for cell in kept(chapter)]
    trees += [ast.parse(file.read_text(encoding="utf-8")) for file in chapter.modules]
    names = {name for tree in trees if tree for name in _imported(tree)}
    lock = (chapter.root / LOCK).read_text(encoding="utf-8")
    known = readings.of(chapter.root, LOCK, "distributions", lock, lambda: distributions(lock))
    third = sorted(names - local - sys.stdlib_module_names)
    return {name: known[name] for name in third if name in known}


def _imported(tree: ast.Module) -> set[str]:
    """The packages that the code imports: the first word of each import."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found |= {alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(module=str(name), level=0):
                found.add(name.partition(".")[0])
    return found


def distributions(lock: str) -> dict[str, str]:
    """The locked distribution that holds each importable name, as the installed files say.

    `importlib.metadata.packages_distributions` says it too, four times as slowly.
    """
    locked = {normal(name) for name in PIN.findall(lock)}
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.name
        if normal(name) in locked:
            for module in MODULE.findall(distribution.read_text("RECORD") or ""):
                found[module] = min(found.get(module, name), name)
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
