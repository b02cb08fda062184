"""`{bibliographie}`: the dated works that chapters cite in their last part, chapter by chapter."""

from __future__ import annotations

import re

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ssphub_book import chapters
from ssphub_book.sphinx.freshness import shows

DATED = re.compile(r"\b(19|20)\d\d\b")
NEIGHBOUR = re.compile(r"\]\(\.\./(?=[\w-]+/[\w-]+\.md)")  # a link from one chapter to another


def works(chapter: chapters.Chapter) -> list[str]:
    """The items of the last part that give a year, as Markdown: not tools, data sets nor chapters."""
    starts = (line for line, _, title in chapter.headings if title == chapters.LAST_PART)
    start = next(starts, len(chapter.lines))
    items = [line for line in chapter.lines[start:] if line.startswith("- ")]
    return [
        NEIGHBOUR.sub(f"](../../{chapters.NOTEBOOKS}/", item)
        for item in items
        if DATED.search(item) and not item.startswith(("- `", "- Données", "- Les données"))
    ]


def _cited(book: dict[str, chapters.Chapter]) -> list[tuple[str, str, list[str]]]:
    """(name, title, works) of each chapter that cites some."""
    found = [(chapter.name, chapter.title, works(chapter)) for chapter in book.values()]
    return [one for one in found if one[2]]


class Bibliography(SphinxDirective):
    """One section per chapter that cites dated works."""

    def run(self) -> list[nodes.Node]:
        return [self._section(*cited) for cited in shows(self.env, _cited)]

    def _section(self, name: str, shown: str, items: list[str]) -> nodes.section:
        anchor, file = name.replace("/", "-"), f"{chapters.NOTEBOOKS}/{name}"
        section = nodes.section(ids=[anchor], names=[anchor])
        address = self.env.app.builder.get_relative_uri(self.env.docname, file)
        title = nodes.title()
        title += nodes.reference("", shown, refuri=address, internal=True)
        section += title
        self.state.nested_parse(
            StringList(items, source=self.env.doc2path(file)), self.content_offset, section
        )
        return section


def setup(app: Sphinx) -> dict:
    app.add_directive("bibliographie", Bibliography)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
