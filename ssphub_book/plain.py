"""The prose of a chapter as plain Markdown, which JupyterLab shows: no MyST directive or role is left.

Boxes become quotations, folds become `<details>`, tables keep their caption, figures that cells glue
into the prose become text, and links lead to the site. A directive or role that is not known here
raises ChapterError, with its line: nothing slips through.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ssphub_book import chapters, network
from ssphub_book.chapters import Chapter, ChapterError
from ssphub_book.network import french

GLOSSARY = "book/annexes/glossaire"
TITLES = {
    "attention": "Attention",
    "caution": "Prudence",
    "danger": "Danger",
    "error": "Erreur",
    "hint": "Indice",
    "important": "Important",
    "note": "Note",
    "seealso": "Voir aussi",
    "tip": "Astuce",
    "warning": "Avertissement",
}
FENCE = re.compile(r"(?P<indent>\s*)(?P<mark>`{3,}|~{3,}|:{3,})(?:\{(?P<name>[^}]*)\})?\s*(?P<argument>.*)")
OPTION = re.compile(r"\s*:[\w-]+:")
LABEL = re.compile(r"\(([^)\s]+)\)=\s*$")
DEFINITION = re.compile(r":\s+(.*)")
FOOTNOTE = re.compile(r"\[\^([\w-]+)\]:?")
RULE = re.compile(r"[\s|:-]*$")  # the line under the head of a table
HELD = "\ufffc"  # stands for what typography leaves alone: `typography` takes it for an object
INLINE = re.compile(
    r"""
      \{(?P<role>[\w:+.-]+)\}(?P<ticks>`+)(?P<text>.+?)(?<!`)(?P=ticks)(?!`)   # {role}`text`
    | (?P<code>`+)(?!`).+?(?<!`)(?P=code)(?!`)                                 # `code`
    | \$\$.+?\$\$ | (?<![\\\d$])\$(?![\s$])[^$]+?(?<![\s\\])\$(?![\d$])        # $formula$
    | (?P<open>\[)?\]\((?P<target>[^()\s]*(?:\([^()]*\)[^()\s]*)*)\)           # ](target)
    | <[^>\s][^>]*>                                                            # <tag>, <https://…>
    | (?<=')[*_]+(?=\w)                                                        # l'*accent*
    """,
    re.VERBOSE,
)
EXPLICIT = re.compile(r"(?P<text>.*?)\s*<(?P<target>[^<>]+)>$")  # text <target>
SPECIAL = re.compile(r"([\\`*_$<\[])")


@dataclass(frozen=True)
class Book:
    """What the prose of any chapter may refer to. `address` ends with a slash."""

    root: Path
    address: str
    files: tuple[str, ...]  # of the table of contents, without extension

    @cached_property
    def pages(self) -> dict[str, Chapter]:
        return {file: chapters.read(self.root, self.root / f"{file}.md") for file in self.files}

    @cached_property
    def titles(self) -> dict[str, str]:
        levels = {file: page.headings for file, page in self.pages.items()}
        return {file: next((t for _, n, t in found if n == 1), file) for file, found in levels.items()}

    @cached_property
    def terms(self) -> dict[str, str]:
        """The anchor of each term of the glossary, by the term in lower case."""
        from sphinx.util.nodes import _make_id  # what Sphinx makes the anchors by

        text = self.pages[GLOSSARY].text if GLOSSARY in self.pages else ""
        lists = re.findall(r"^`{3,}\{glossary\}\n(.*?)^`{3,}", text, re.DOTALL | re.MULTILINE)
        terms = [line.strip() for part in lists for line in re.findall(r"^\S.*$", part, re.MULTILINE)]
        return {term.lower(): _make_id(f"term-{term}") for term in terms}

    @cached_property
    def labels(self) -> dict[str, tuple[str, str]]:
        """(page, title) of each `(label)=` that a heading follows."""
        found = {}
        for file, page in self.pages.items():
            titles = {line: title for line, _, title in page.headings}
            for number, line in enumerate(page.lines, start=1):
                if (label := LABEL.match(line)) and number + 1 in titles:
                    found[label[1]] = (file, titles[number + 1])
        return found

    @cached_property
    def entries(self) -> network.Network:
        """What the network's data files hold."""
        return network.read(self.root)

    def link(self, file: str, anchor: str = "") -> str:
        return f"{self.address}{file}.html" + (f"#{anchor}" if anchor else "")


class Prose:
    """Turns the Markdown of one chapter into plain Markdown."""

    def __init__(self, chapter: Chapter, book: Book, glued: dict[str, str]):
        """`glued`: the text of each value that the chapter's cells glue, as the kernel printed it."""
        from ssphub_book.sphinx.typography import french_line

        self._chapter, self._book, self._glued, self._set = chapter, book, glued, french_line

    def block(self, source: str, first: int) -> str:
        """A Markdown cell whose source begins on line `first` of the file."""
        return "\n".join(self._blocks(source.splitlines(), first)).strip("\n")

    def line(self, text: str, number: int) -> str:
        """One line of prose."""
        held: list[str] = []

        def one(match: re.Match[str]) -> str:
            shown, kept = self._inline(match, number)
            held.append(kept)
            return shown + HELD if kept else shown

        text = FOOTNOTE.sub(r"<sup>\1</sup>", text)
        text = self._set(INLINE.sub(one, text))
        pieces = iter([kept for kept in held if kept])
        return re.sub(HELD, lambda match: next(pieces), text)

    def _error(self, number: int, message: str) -> ChapterError:
        return ChapterError(self._chapter.file, number, message)

    # --- blocks -------------------------------------------------------------------------------

    def _blocks(self, lines: list[str], first: int) -> list[str]:
        out: list[str] = []
        index = 0
        while index < len(lines):
            line, number = lines[index], first + index
            if (fence := FENCE.fullmatch(line)) and (fence["name"] is not None or fence["mark"][0] != ":"):
                end = _closing(lines, index, fence["mark"])
                out += self._fence(fence, lines[index : end + 1], number)
                index = end
            elif line.strip().startswith(("$$", "\\begin{")) and (end := _formula(lines, index)) > index:
                out += [*lines[index:end], re.sub(r"\$\$\s*\(.*\)\s*$", "$$", lines[end])]
                index = end
            elif definition := DEFINITION.match(line):
                out[-1] = f"**{out[-1]}**  "
                out.append(self.line(definition[1], number))
            elif not LABEL.match(line) and not line.startswith("%"):
                out.append(line if RULE.fullmatch(line) else self.line(line, number))
            index += 1
        return out

    def _fence(self, fence: re.Match[str], lines: list[str], number: int) -> list[str]:
        """A fenced block: code as it is, a directive made plain."""
        name, argument, indent = fence["name"], fence["argument"].strip(), fence["indent"]
        if name is None:
            return lines
        body, start = lines[1:-1], number + 1
        while body and (OPTION.match(body[0]) or not body[0].strip()):
            body, start = body[1:], start + 1
        write = self._directive(name, number)
        return [f"{indent}{line}".rstrip() for line in write(argument, body, start)]

    def _directive(self, name: str, number: int) -> Callable[[str, list[str], int], list[str]]:
        if name == "admonition" or name in TITLES:
            return lambda argument, body, start: self._box(argument or TITLES[name], body, start)
        known = {"dropdown": self._fold, "table": self._table, "math": self._math}
        known |= dict.fromkeys(("code", "code-block"), self._code) | {"entrees": self._entries}
        if name not in known:
            message = (
                f"la directive « {name} » n'a pas d'équivalent dans le notebook à télécharger : "
                f"employez-en une autre ({', '.join(['admonition', *known, *TITLES])})."
            )
            raise self._error(number, message)
        return known[name]

    def _box(self, title: str, body: list[str], start: int) -> list[str]:
        inside = [f"**{self.line(title, start)}**", "", *self._blocks(body, start)]
        return [f"> {line}".rstrip() for line in inside]

    def _fold(self, title: str, body: list[str], start: int) -> list[str]:
        # The blank lines make JupyterLab read what is inside as Markdown.
        summary = f"<summary>{self.line(title, start)}</summary>"
        return ["<details>", summary, "", *self._blocks(body, start), "", "</details>"]

    def _table(self, caption: str, body: list[str], start: int) -> list[str]:
        return [italic(self.line(caption, start)), "", *self._blocks(body, start)]

    def _math(self, argument: str, body: list[str], start: int) -> list[str]:
        return ["$$", *([argument] if argument else []), *body, "$$"]

    def _entries(self, kind: str, body: list[str], start: int) -> list[str]:
        found = self._book.entries.for_chapter(self._chapter.name, network.LISTS.get(kind, ()))
        return [self.line(line, start) for line in french.in_chapter(found)]

    def _code(self, language: str, body: list[str], start: int) -> list[str]:
        return [f"```{language}", *body, "```"]

    # --- inside a line ------------------------------------------------------------------------

    def _inline(self, match: re.Match[str], number: int) -> tuple[str, str]:
        """(text that typography sets, what follows it and is left alone)."""
        if match["role"]:
            return self._role(match["role"], match["text"].strip(), number)
        if match["target"] is None:
            return "", match[0]
        address, title = self._target(match["target"], number)
        return (f"[{title}" if match["open"] else ""), f"]({address})"

    def _role(self, name: str, text: str, number: int) -> tuple[str, str]:
        explicit = EXPLICIT.fullmatch(text)
        shown, target = (explicit["text"], explicit["target"]) if explicit else ("", text)
        match name:
            case "glue:text" | "glue:":
                return self._value(text, number), ""
            case "term":
                return f"[{shown or target}", f"]({self._term(target, number)})"
            case "entree":
                entry = self._book.entries.by_key.get(target)
                if entry is None:
                    raise self._error(number, f"aucune entrée ne s'appelle « {target} ».")
                return f"[{shown or entry.title}", f"]({entry.address})"
            case "ref":
                address, title = self._label(target, number)
                return f"[{shown or title}", f"]({address})"
            case "doc":
                address, title = self._target(target, number)
                return f"[{shown or title}", f"]({address})"
            case "en":
                return "", italic(text)
            case "en-droit":
                return "", text
            case "math":
                return "", f"${text}$"
            case "sup" | "sub":
                return "", f"<{name}>{text}</{name}>"
        message = (
            f"le rôle « {name} » n'a pas d'équivalent dans le notebook à télécharger : "
            "écrivez ce passage en Markdown ordinaire."
        )
        raise self._error(number, message)

    def _value(self, text: str, number: int) -> str:
        """A glued value as the page shows it."""
        from myst_nb.core.variables import format_plain_text

        from ssphub_book.sphinx.typography import french_number

        key, _, form = text.partition(":")
        if key not in self._glued:
            raise self._error(number, f"aucune cellule ne donne à glue la valeur « {key} ».")
        value = french_number(format_plain_text(self._glued[key], form))
        return SPECIAL.sub(r"\\\1", value)

    def _term(self, term: str, number: int) -> str:
        anchor = self._book.terms.get(term.lower())
        if anchor is None:
            raise self._error(number, f"le terme « {term} » n'est pas dans le glossaire.")
        return self._book.link(GLOSSARY, anchor)

    def _label(self, label: str, number: int) -> tuple[str, str]:
        if label not in self._book.labels:
            raise self._error(number, f"aucun titre ne porte l'ancre « {label} ».")
        file, title = self._book.labels[label]
        return self._book.link(file, _identifier(label)), title

    def _target(self, target: str, number: int) -> tuple[str, str]:
        """(address, title) of the target of a link: absolute, but for a program beside the notebook."""
        if re.match(r"[a-z]+:", target):
            return target, target
        path, _, anchor = target.partition("#")
        if not path:
            return self._label(anchor, number)
        if path in {companion.name for companion in self._chapter.companions}:
            return path, path  # beside the notebook, as in the archive and in the repository
        base = "" if path.startswith("/") else posixpath.dirname(self._chapter.file)
        file = posixpath.normpath(posixpath.join(base, path.lstrip("/"))).removesuffix(".md")
        if file not in self._book.pages:
            message = f"le lien « {target} » ne mène à aucune page du livre, donc à rien depuis un notebook."
            raise self._error(number, message)
        return self._book.link(file, _identifier(anchor)), self._book.titles[file]


def glued(cells: list) -> dict[str, str]:
    """The text of each value that executed cells glue, by its key."""
    return dict(_values(cells))


def _values(cells: list) -> Iterator[tuple[str, str]]:
    for cell in cells:
        for output in cell.get("outputs", ()):
            scrap = output.get("metadata", {}).get("scrapbook")
            if scrap:
                yield scrap["name"], output["data"].get(f"{scrap['mime_prefix']}text/plain", "")


def italic(text: str) -> str:
    """Underscores, for a text that may hold words in italics already."""
    return f"_{text}_"


def _identifier(label: str) -> str:
    from docutils.nodes import make_id

    return make_id(label)


def _closing(lines: list[str], start: int, mark: str) -> int:
    """Index of the line that closes the fence, or of the last line."""
    for index in range(start + 1, len(lines)):
        line = lines[index].strip()
        if len(line) >= len(mark) and set(line) == {mark[0]}:
            return index
    return len(lines) - 1


def _formula(lines: list[str], start: int) -> int:
    """Index of the last line of a displayed formula that begins on line `start`."""
    opening = lines[start].strip()
    environment = re.match(r"\\begin\{(\w+\*?)\}", opening)
    closing = f"\\end{{{environment[1]}}}" if environment else "$$"
    if closing in opening[2:]:
        return start
    return next((i for i in range(start + 1, len(lines)) if closing in lines[i]), start)
