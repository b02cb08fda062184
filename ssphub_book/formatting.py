"""Format chapters and pages: their code cells by ruff, their Markdown by a few safe rules.

mdformat was tried first: it escapes colon fences, rewraps the YAML of cell options and renumbers lists,
so that pages break and every chapter changes. The rules here touch blank lines, trailing spaces, and the
marks of lists and fences, outside code. They are proven on each file: same docutils tree, same syntax
tree of each cell. What would change meaning is left alone and reported.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml

from ssphub_book import chapters, plain
from ssphub_book.chapters import Cell, Chapter, ChapterError
from ssphub_book.contract import cells

PACKAGE = Path(__file__).resolve().parent
SETTINGS = PACKAGE.parent / "pyproject.toml"
PROSE = {"admonition", "container", "dropdown", *plain.TITLES}  # directives whose content is Markdown
FENCE = re.compile(r"(?P<mark>`{3,}|~{3,}|:{3,})(?P<info>.*)")
NAME = re.compile(r"\{([\w:-]+)\}")
ROLE = re.compile(r"\{([\w:+.-]+)\}`")
OPTION = re.compile(r":[\w-]+:")
FRONT_MATTER = re.compile(r"---\n.*?\n---\n", re.DOTALL)
HEADING = re.compile(r"\A(#{1,6})[ \t]+(?=\S)")
BULLET = re.compile(r"\A( *)[*+]( +)(?=\S)")
RULE = re.compile(r" {0,3}([*_-])[ \t]*(?:\1[ \t]*){2,}$")  # a line across the page is no list
LIST = re.compile(r"(?:[-*+]|1[.)]) +\S")  # what may begin a list right under a paragraph
PROVENANCE = re.compile(r' (?:bullet|line|source|backrefs)="[^"]*"')  # of no consequence on the page


@dataclass
class Report:
    """Files whose form changes, what was left alone and the cells that their form makes too long
    (`file:line  message`), in French."""

    changed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    long: list[str] = field(default_factory=list)


def format_files(root: Path, paths: Iterable[Path], *, write: bool) -> Report:
    """Format chapters and pages, or only say what would change; one ruff process for all cells.

    Raises ChapterError where a file cannot be read, before any is written.
    """
    report = Report()
    pages = [chapters.read(root, path) for path in paths]
    prose = [_replaced(page, _markdown(page, report)) for page in pages]
    for before, after in zip(pages, _cells(prose, report), strict=True):
        if after != before.text:
            report.changed.append(before.file)
            report.long += _made_too_long(before, _replaced(before, after), in_form=write)
            if write:
                before.path.write_text(after, encoding="utf-8")
    return report


def _made_too_long(before: Chapter, after: Chapter, *, in_form: bool) -> Iterator[str]:
    """The cells that were short enough before, at their lines in the file as it is, or once `in_form`."""
    for old, new in zip(_python_cells(before), _python_cells(after), strict=True):
        if cells.is_long(new) and not cells.is_long(old):
            finding = cells.too_long(after, new)
            line = new.line if in_form else old.line
            yield str(replace(finding, line=line, message=f"une fois mise en forme, {finding.message}"))


def formatted(page: Chapter) -> str:
    """The text of one page in form, whatever its file holds."""
    report = Report()
    return _cells([_replaced(page, _markdown(page, report))], report)[0]


def files(root: Path) -> list[Path]:
    """The chapters and the pages of the book."""
    return [chapter.path for chapter in chapters.find(root)] + sorted((root / "book").rglob("*.md"))


def _replaced(page: Chapter, text: str) -> Chapter:
    return Chapter(page.root, page.path, text)


# --- Markdown -------------------------------------------------------------------------------------------


def _markdown(page: Chapter, report: Report) -> str:
    """The formatted text of a page; its own text where the tree would change."""
    text = tidy(page.text)
    if text == page.text:
        return text
    extensions = _extensions(page.root)
    tree = doctree(page.text, extensions)
    if doctree(text, extensions) == tree:
        return text
    line = next((n for n, one in _changes(page.text, text) if doctree(one, extensions) != tree), 1)
    report.refused.append(
        f"{page.file}:{line}  format  mettre cette ligne en forme changerait la page : le fichier est laissé "
        "tel quel. Séparez les blocs par une ligne vide, ou récrivez ce passage."
    )
    return page.text


def _changes(before: str, after: str) -> Iterator[tuple[int, str]]:
    """(line, text with this change alone) of each change."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for kind, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            yield i + 1, "".join([*old[:i], *new[k:m], *old[j:]])


def tidy(text: str) -> str:
    """The text with its Markdown in form; the front matter and the code are left as they are."""
    front = FRONT_MATTER.match(text)
    head = front[0] if front else ""
    body = "\n".join(_tidy(text[len(head) :].splitlines())).strip("\n")
    return head + ("\n" if head and body else "") + body + "\n"


def _tidy(lines: list[str]) -> list[str]:
    """The lines of a page, or of what a directive holds."""
    out: list[str] = []
    for block in _blocks(lines):
        first = block[0]
        if _apart(out[-1] if out else "", first):
            out.append("")
        if first or (out and out[-1]):
            out += block
    return out


def _apart(previous: str, line: str) -> bool:
    """Whether a blank line has to come between two lines that follow each other."""
    if not previous or not line or plain.LABEL.match(previous) or previous.startswith("%"):
        return False
    if HEADING.match(line) or HEADING.match(previous) or FENCE.match(line) or FENCE.match(previous):
        return True
    in_list = previous.startswith(" ") or re.match(r"[-*+]|\d+[.)]", previous)
    return bool(LIST.match(line)) and not in_list and not previous.startswith(("|", ">", ":"))


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Each fence or displayed formula whole, each other line alone, in form."""
    index = 0
    while index < len(lines):
        line = lines[index].rstrip()
        if (fence := FENCE.fullmatch(line)) and not (fence["mark"][0] == ":" and "{" not in fence["info"]):
            end = _closing(lines, index, fence["mark"])
            yield _fence(fence, lines[index : end + 1])
        elif line.lstrip().startswith("$$") and "$$" not in line.lstrip()[2:]:
            end = next((i for i in range(index + 1, len(lines)) if "$$" in lines[i]), len(lines) - 1)
            yield lines[index : end + 1]
        else:
            end = index
            following = lines[index + 1] if index + 1 < len(lines) else ""
            yield [_line(lines[index], following)]
        index = end + 1


def _closing(lines: list[str], start: int, mark: str) -> int:
    """Index of the line that closes the fence, or of the last line. A fence of colons may hold others."""
    for index in range(start + 1, len(lines)):
        line = lines[index].rstrip()
        if set(line) == {mark[0]} and len(line) >= len(mark):
            return index
    return len(lines) - 1


def _fence(fence: re.Match[str], lines: list[str]) -> list[str]:
    """A fence in form: its content is Markdown under a directive of prose, and left alone elsewhere."""
    name = NAME.match(fence["info"])
    body, last = lines[1:-1], lines[-1].rstrip()
    if not last or set(last) != {fence["mark"][0]}:
        return lines  # never closed
    if name and name[1] in PROSE:
        options = next((i for i, line in enumerate(body) if not OPTION.match(line)), len(body))
        body = [*(line.rstrip() for line in body[:options]), *_inside(body[options:])]
    mark = fence["mark"]
    if mark[0] == "~" and not any("```" in line for line in body) and "`" not in fence["info"]:
        mark = last = "```"
    return [f"{mark}{fence['info'].rstrip()}", *body, last]


def _inside(lines: list[str]) -> list[str]:
    """What a directive holds, in form; a blank line at its beginning or its end stays."""
    if not any(line.strip() for line in lines):
        return []
    above, below = ([""] if not line.strip() else [] for line in (lines[0], lines[-1]))
    body = _tidy(lines)
    while not body[-1]:
        body.pop()
    return [*above, *body, *below]


def _line(line: str, following: str) -> str:
    """One line of prose. Two spaces at its end break the line: they stay."""
    broken = line.endswith("  ") and line.strip() and following.strip() and not _starts(line, following)
    line = line.rstrip() + ("  " if broken else "")
    indent = line[: len(line) - len(line.lstrip())].expandtabs(4)
    line = HEADING.sub(r"\1 ", indent + line.lstrip())
    return line if RULE.match(line) else BULLET.sub(r"\1-\2", line)


def _starts(line: str, following: str) -> bool:
    """Whether a line is not the one that the next line goes on from."""
    return bool(HEADING.match(line)) or any(p.match(following) for p in (HEADING, FENCE, BULLET, LIST))


def _extensions(root: Path) -> list[str]:
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8")) or {}
    return list((config.get("parse") or {}).get("myst_enable_extensions") or [])


def doctree(text: str, extensions: Iterable[str] = ()) -> str:
    """What MyST reads in a page, written out, without line numbers nor the mark of lists."""
    from docutils.core import publish_doctree
    from docutils.parsers.rst import directives, roles
    from docutils.parsers.rst.directives.admonitions import Admonition
    from myst_parser.parsers.docutils_ import Parser
    from sphinx.util.docutils import docutils_namespace

    settings = {
        "myst_enable_extensions": list(extensions),
        "report_level": 5,  # directives of Sphinx are unknown here: their source is compared
        "halt_level": 5,
        "_disable_config": True,
    }
    with docutils_namespace():
        directives.register_directive("dropdown", Admonition)
        for name in set(ROLE.findall(text)):
            roles.register_local_role(name, _role)
        tree = publish_doctree(text, parser=Parser(), settings_overrides=settings)
    return PROVENANCE.sub("", tree.pformat())


def _role(name: str, source: str, text: str, *arguments: object, **options: object) -> tuple[list, list]:
    """Any role, as its name and its text."""
    from docutils import nodes

    return [nodes.inline(source, text, classes=[name])], []


# --- code cells -----------------------------------------------------------------------------------------


def _cells(pages: list[Chapter], report: Report) -> list[str]:
    """The texts of the pages with their code cells in form."""
    found = [(page, cell) for page in pages for cell in _python_cells(page)]
    sources = ruff([cell.source for _, cell in found])
    texts = {page.file: page.text.split("\n") for page in pages}
    for (page, cell), source in reversed(list(zip(found, sources, strict=True))):
        if source == cell.source:
            continue
        lines = texts[page.file]
        end = cell.line - 1 + len(cell.source.split("\n"))
        same = "\n".join(lines[cell.line - 1 : end]) == cell.source
        if same and ast.dump(ast.parse(cell.source)) == ast.dump(ast.parse(source)):
            lines[cell.line - 1 : end] = source.split("\n")
        else:
            report.refused.append(
                f"{page.file}:{cell.line}  format  mettre cette cellule en forme changerait ce qu'elle fait "
                "(un texte entre guillemets, sans doute) : elle est laissée telle quelle ; récrivez-la."
            )
    return ["\n".join(texts[page.file]) for page in pages]


def _python_cells(page: Chapter) -> list[Cell]:
    """The cells that are plain Python: magics and other languages are left alone."""
    if "{code-cell}" not in page.text:
        return []
    return [cell for cell in page.cells if cell.source.strip() and chapters.python_of(cell.source)]


def ruff(sources: list[str]) -> list[str]:
    """Sources of code cells as ruff formats those of a notebook: a last semicolon stays.

    Raises ChapterError where ruff refuses them.
    """
    if not sources:
        return []
    empty = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    cells = [empty | {"source": source.splitlines(keepends=True)} for source in sources]
    language = {"language_info": {"name": "python"}}
    notebook = {"cells": cells, "metadata": language, "nbformat": 4, "nbformat_minor": 4}
    program = Path(sys.executable).with_name("ruff")
    command = [program, "format", "--config", SETTINGS, "--stdin-filename", "cells.ipynb", "-"]
    done = subprocess.run(command, input=json.dumps(notebook), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ChapterError(
            "ruff", 1, f"les cellules n'ont pas pu être mises en forme : {done.stderr.strip()}"
        )
    return ["".join(cell["source"]) for cell in json.loads(done.stdout)["cells"]]
