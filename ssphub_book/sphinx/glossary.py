"""Terms of the glossary carry their definition: shown on hover and on focus, without a request.

A chapter links a term by `{term}`; the link gets the first paragraph of the definition, which
theme/static/cahiers-lecture.js shows beside it. On the glossary's own page each definition is followed
by the chapters that speak of the term most.
"""

from __future__ import annotations

import re
from html import escape

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.transforms import SphinxTransform

from ssphub_book import chapters, kept
from ssphub_book.sphinx.freshness import shows

PAGE = "book/annexes/glossaire"
_LINK = re.compile(r'<a class="reference internal" href="(?P<href>[^"]*#(?P<id>term-[^"]+))"')
_CODE = re.compile(r"^(`{3,})\{code-cell\}.*?^\1\s*$", re.DOTALL | re.MULTILINE)
CHAPTERS = 3  # told under a definition
LINKED = 10  # words that one link to the definition is worth


class DependOnGlossary(SphinxTransform):
    """A page that links a term is read again when the glossary changes."""

    default_priority = 500

    def apply(self, **kwargs) -> None:
        if any(link.get("reftype") == "term" for link in self.document.findall(addnodes.pending_xref)):
            self.env.note_dependency(self.env.doc2path(PAGE))


class TellChapters(SphinxTransform):
    """Under each definition, the chapters that speak of the term most."""

    default_priority = 500

    def apply(self, **kwargs) -> None:
        if self.env.docname != PAGE:
            return
        items = list(self.document.findall(nodes.definition_list_item))
        defined = tuple(tuple(term.astext().lower() for term in item.findall(nodes.term)) for item in items)
        for item, found in zip(items, shows(self.env, speaking, defined), strict=True):
            if found:
                item.children[-1] += self._links(found)

    def _links(self, found: list[tuple[str, str]]) -> nodes.paragraph:
        paragraph = nodes.paragraph("", _("In the chapters: "), classes=["terme-chapitres"])
        for rank, (name, title) in enumerate(found):
            address = self.app.builder.get_relative_uri(PAGE, f"{chapters.NOTEBOOKS}/{name}")
            paragraph += nodes.Text(", ") if rank else nodes.Text("")
            paragraph += nodes.reference("", title, refuri=address, internal=True)
        return paragraph


def speaking(
    book: dict[str, chapters.Chapter], defined: tuple[tuple[str, ...], ...]
) -> list[list[tuple[str, str]]]:
    """(name, title) of the chapters that speak most of each definition, given by its terms."""
    counts = {name: _counts(chapter, defined) for name, chapter in book.items()}
    found = []
    for rank in range(len(defined)):
        speak = [name for name in book if counts[name][rank] > 1]
        most = sorted(speak, key=lambda name: -counts[name][rank])
        found.append([(name, book[name].title) for name in most[:CHAPTERS]])
    return found


def _counts(chapter: chapters.Chapter, defined: tuple[tuple[str, ...], ...]) -> list[int]:
    """How often the prose of a chapter speaks of each definition."""

    def count() -> list[int]:
        text = _CODE.sub("", chapter.text).lower()
        return [sum(mentions(text, name) for name in names) for names in defined]

    return kept.of(chapter.root, chapter.file, "glossaire", f"{defined}\0{chapter.text}", count)


def mentions(text: str, name: str) -> int:
    """How often a text in lower case speaks of a term, in the singular or the plural; a link counts more."""
    if name not in text:
        return 0
    word = re.escape(name)
    linked = re.findall(rf"{{term}}`(?:{word}`|[^`<]*<{word}>)", text)
    return len(re.findall(rf"\b{word}(?:s|x)?\b", text)) + LINKED * len(linked)


def definitions(app: Sphinx) -> dict[str, str]:
    """The first paragraph of each definition as plain text, by the anchor of its term."""
    if PAGE not in app.env.found_docs:
        return {}
    found = {}
    for item in app.env.get_doctree(PAGE).findall(nodes.definition_list_item):
        paragraph = next(item.findall(nodes.paragraph), None)
        for term in item.findall(nodes.term):
            for anchor in term["ids"]:
                found[anchor] = paragraph.astext() if paragraph is not None else ""
    return found


def add_definitions(body: str, known: dict[str, str]) -> str:
    """Give each link to a term its definition; the glossary's own anchors are left alone."""

    def one(match: re.Match[str]) -> str:
        text = known.get(match["id"])
        if not text:
            return match[0]
        return f"{match[0].replace('reference internal', 'reference internal terme')}" + (
            f' data-definition="{escape(text, quote=True)}"'
        )

    return _LINK.sub(one, body)


def on_page(app: Sphinx, pagename, templatename, context, doctree) -> None:
    if doctree is None or pagename == PAGE or "#term-" not in context.get("body", ""):
        return
    if not hasattr(app, "glossary_definitions"):
        app.glossary_definitions = definitions(app)
    context["body"] = add_definitions(context["body"], app.glossary_definitions)


def setup(app: Sphinx) -> dict:
    app.add_transform(DependOnGlossary)
    app.add_transform(TellChapters)
    app.connect("html-page-context", on_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
