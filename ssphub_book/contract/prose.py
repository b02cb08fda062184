"""The prose of a page, each word on its line: what the rules on texts, links and images read.

Code, formulae, addresses, comments, HTML and the roles that hold no French prose are left out; `OBJECT`
stands for those that are inside a sentence. Boxes, folds, captions and options are read in their turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from urllib.parse import unquote

import yaml
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ssphub_book import kept
from ssphub_book.chapters import Chapter

OBJECT = "\ufffc"
DIRECTIVE = re.compile(r"\{(?P<name>[\w:.-]+)\}\s*(?P<argument>.*)")
TITLED = {
    "admonition",
    "card",
    "dropdown",
    "list-table",
    "csv-table",
    "rubric",
    "sidebar",
    "tab-item",
    "table",
    "topic",
}
BOXES = {"attention", "caution", "danger", "error", "hint", "important", "note", "seealso", "tip", "warning"}
OTHERS = {"container", "div", "epigraph", "figure", "glossary", "grid", "grid-item", "margin", "tab-set"}
HOLDS_PROSE = TITLED | BOXES | OTHERS
TABLES = {"table", "list-table", "csv-table"}
# Options and keys of the front matter: Markdown, plain text, and names that links may aim at.
CAPTIONS = {("tableau",), ("caption",), ("mystnb", "figure", "caption")}
TEXTS = {
    ("mystnb", "image", "alt"),
    ("alt",),
    ("description",),
    ("chapitre", "question"),
    ("chapitre", "objectifs"),
}
NAMES = {("name",), ("mystnb", "figure", "name")}
READ_KEYS = re.compile(r"tableau|caption|alt|description|question|objectifs|name")
LINK_ROLES = {"doc", "download", "entree", "ref", "term"}
EXPLICIT = re.compile(r"(?P<text>.*?)\s*<(?P<target>[^<>]+)>", re.DOTALL)  # text <target>
SHOWN_AS_IT_IS = "term"  # the one role whose target is the text to read
EXTENSIONS = {"amsmath", "colon_fence", "deflist", "dollarmath", "html_image"}  # those of _config.yml


@dataclass(frozen=True)
class Passage:
    """One block of prose: its first line in the file, and its text, cut as the lines of the file are."""

    line: int
    text: str
    live: bool = True  # whether a role may stand in it

    def line_at(self, offset: int) -> int:
        return self.line + self.text.count("\n", 0, offset)

    @cached_property
    def without_addresses(self) -> str:
        """The text with `OBJECT` in place of each character of an address or of a path."""
        from ssphub_book.sphinx.typography import PROTECTED

        return PROTECTED.sub(lambda match: OBJECT * len(match.group()), self.text)


@dataclass(frozen=True)
class Link:
    """`kind`: `link` or `image` for Markdown's own, or the name of the role."""

    line: int
    kind: str
    target: str


@dataclass(frozen=True)
class Image:
    """`caption`: None where the image, of Markdown, takes none."""

    line: int
    alt: str
    caption: str | None = None


@dataclass
class Page:
    """All that the rules read of one page."""

    passages: list[Passage] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    bare_tables: list[int] = field(default_factory=list)  # lines of the tables without caption
    sources: list[tuple[int, str]] = field(default_factory=list)  # (line, text) of front matter and cells
    targets: set[str] = field(default_factory=set)  # names that a link may aim at
    slugs: dict[str, int] = field(default_factory=dict)  # anchors of the headings, and their level


@lru_cache(maxsize=128)
def read(chapter: Chapter) -> Page:
    """The prose, links, images and anchors of a chapter or of any page of the book."""
    return kept.of(chapter.root, chapter.file, "prose", chapter.text, lambda: _read(chapter))


def _read(chapter: Chapter) -> Page:
    reader = _Reader()
    reader.blocks(chapter.text, 1)
    reader.page.passages.sort(key=lambda passage: passage.line)
    return reader.page


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it.renderer import RendererHTML
    from myst_parser.config.main import MdParserConfig
    from myst_parser.parsers.mdit import create_md_parser

    return create_md_parser(MdParserConfig(enable_extensions=EXTENSIONS), RendererHTML)


class _Reader:
    """Walks the tokens of a page, and those of its directives; lines count from 1 in the file."""

    def __init__(self) -> None:
        self.page = Page()
        self._live = True

    def blocks(self, text: str, first: int, captioned: bool = False) -> None:
        """Read Markdown whose first line is the line `first` of the file."""
        level = 0
        for token in _parser().parse(text):
            line = first + token.map[0] if token.map else first
            if token.type == "front_matter":
                self.page.sources.append((line + 1, token.content))
                self._options(token.content, line + 1)
            elif token.type == "heading_open":
                level = int(token.tag[1])
            elif token.type == "inline":
                shown = self._inline(token, line)
                if level:
                    self._heading(shown, level)
                level = 0
            elif token.type in {"fence", "colon_fence"}:
                self._fence(token, line)
            elif token.type == "table_open" and not captioned:
                self.page.bare_tables.append(line)
            elif token.type == "myst_target":
                self.page.targets.add(token.content.strip().lower())
            elif token.type == "html_block":
                self._html(token.content, line)

    def _heading(self, title: str, level: int) -> None:
        from myst_parser.mdit_to_docutils.base import default_slugify

        self.page.slugs.setdefault(default_slugify(title.replace(OBJECT, "")), level)

    def _inline(self, token: Token, line: int) -> str:
        """Keep the text of one block, its links and its images; return the text."""
        text = _Text(token.content)
        own_address = False
        for child in token.children or ():
            text.reach(child)
            here = line + text.lines
            if child.type == "text":
                text.add(OBJECT if own_address else child.content)
            elif child.type in {"softbreak", "hardbreak"}:
                text.add("\n")
            elif child.type == "link_open":
                target = unquote(str(child.attrs.get("href", "")))
                own_address = child.info == "auto"
                self.page.links.append(Link(here, "link", target))
            elif child.type == "link_close":
                own_address = False
            elif child.type == "image":
                self._image(here, unquote(str(child.attrs.get("src", ""))), child.content)
                self._text(here, child.content, live=False)
                text.add(OBJECT)
            elif child.type == "myst_role":
                text.add(self._role(child, here))
            elif child.type == "html_inline":
                self._html(child.content, here)
                text.add(OBJECT)
            elif child.type in {"code_inline", "math_inline", "math_inline_double"}:
                text.add(OBJECT)
        self._text(line, text.shown)
        return text.shown

    def _image(self, line: int, source: str, alt: str, caption: str | None = None) -> None:
        self.page.links.append(Link(line, "image", source))
        self.page.images.append(Image(line, alt.strip(), caption))

    def _role(self, token: Token, line: int) -> str:
        """Keep the link of a role; return what there is to read in its place."""
        name = token.meta["name"]
        if name not in LINK_ROLES:
            return OBJECT
        explicit = EXPLICIT.fullmatch(token.content)
        target = explicit["target"] if explicit else token.content
        self.page.links.append(Link(line, name, " ".join(target.split())))
        if explicit:
            return explicit["text"]
        return target if name == SHOWN_AS_IT_IS else OBJECT

    def _html(self, html: str, line: int) -> None:
        for tag in BeautifulSoup(html, "html.parser").find_all("img") if "<img" in html else ():
            self._image(line, str(tag.get("src", "")), str(tag.get("alt", "")))
            self._text(line, str(tag.get("alt", "")), live=False)

    def _text(self, line: int, text: str, live: bool = True) -> None:
        if text.strip():
            self.page.passages.append(Passage(line, text, live and self._live))

    def _fence(self, token: Token, line: int) -> None:
        directive = DIRECTIVE.match(token.info)
        if directive is None:
            return
        name, argument = directive["name"], directive["argument"]
        options, body, skipped = _split(token.content)
        said = self._options(options, line + 1)
        if name == "code-cell":
            self.page.sources.append((line + 1, token.content))
        elif name in {"figure", "image"}:
            caption = body.strip() if name == "figure" else None
            self._image(line, argument, said.get(("alt",), ""), caption)
        elif name in TITLED and argument:
            [title] = _parser().parseInline(argument)
            self._inline(title, line)
        if name in HOLDS_PROSE:
            captioned = name in TABLES and bool(argument.strip())
            self.blocks(body, line + 1 + skipped, captioned)

    def _options(self, text: str, first: int) -> dict[tuple[str, ...], str]:
        """Read the prose of options, or of the front matter; return each value by its path."""
        if not READ_KEYS.search(text):
            return {}
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError:
            return {}  # the rule on the header tells it
        said = {}
        for path, scalar in _scalars(node) if node else ():
            said[path] = scalar.value
            line = first + scalar.start_mark.line
            laid_out = _laid_out(scalar.value, text[scalar.start_mark.index : scalar.end_mark.index])
            if path in CAPTIONS:
                self._live = False
                self.blocks(laid_out, line)
                self._live = True
            elif path in TEXTS:
                self._text(line, laid_out, live=False)
            elif path in NAMES:
                self.page.targets.add(scalar.value.lower())
        return said


class _Text:
    """The text of a block as it grows, kept on the lines that its source has."""

    def __init__(self, source: str):
        self._source, self._at, self.shown = source, 0, ""

    @property
    def lines(self) -> int:
        return self.shown.count("\n")

    def reach(self, token: Token) -> None:
        """Go to the place of a token in the source, where it can be found as it is written."""
        written = "\n" if token.type in {"softbreak", "hardbreak"} else token.content
        found = self._source.find(written, self._at) if written else -1
        if found < 0:
            return
        if token.type not in {"softbreak", "hardbreak"}:
            self.shown += "\n" * (self._source.count("\n", 0, found) - self.lines)
        self._at = found + len(written)

    def add(self, text: str) -> None:
        self.shown += text


def _scalars(node: yaml.Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], yaml.Node]]:
    """(path, node) of each value of a YAML document; the items of a list share its path."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(value, (*path, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _scalars(value, path)
    else:
        yield path, node


def _split(content: str) -> tuple[str, str, int]:
    """(options as YAML, body, lines before the body) of what a directive holds."""
    lines = content.splitlines()
    if lines and lines[0].strip() == "---" and "---" in lines[1:]:
        end = lines.index("---", 1)
        return "\n".join(["", *lines[1:end]]), "\n".join(lines[end + 1 :]), end + 1
    size = next((i for i, line in enumerate(lines) if not re.match(r":[\w-]+:", line)), len(lines))
    options = [re.sub(r"^:([\w-]+):", r"\1:", line) for line in lines[:size]]
    return "\n".join(options), "\n".join(lines[size:]), size


def _laid_out(value: str, raw: str) -> str:
    """The words of a YAML value on the lines where the file has them (`raw`: how it is written)."""
    shown, at = "", 0
    for piece in re.findall(r"\s+|\S+", value):
        found = -1 if piece.isspace() else raw.find(piece, at)
        if found >= 0:
            at = found + len(piece)
            missing = raw.count("\n", 0, found) - shown.count("\n")
            if missing > 0:
                shown = shown.rstrip(" ") + "\n" * missing
        shown += piece
    return shown
