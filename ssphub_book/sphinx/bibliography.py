"""`{bibliographie}`: the dated works that chapters cite in their last part, chapter by chapter."""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ssphub_book import chapters

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


class Bibliography(SphinxDirective):
    """One section per chapter that cites dated works."""

    def run(self) -> list[nodes.Node]:
        book = chapters.find(Path(self.env.srcdir))
        for chapter in book:
            self.env.note_dependency(str(chapter.path))
        cited = [(chapter, works(chapter)) for chapter in book]
        return [self._section(chapter, items) for chapter, items in cited if items]

    def _section(self, chapter: chapters.Chapter, items: list[str]) -> nodes.section:
        anchor = chapter.name.replace("/", "-")
        section = nodes.section(ids=[anchor], names=[anchor])
        address = self.env.app.builder.get_relative_uri(
            self.env.docname, f"{chapters.NOTEBOOKS}/{chapter.name}"
        )
        title = nodes.title()
        title += nodes.reference("", chapter.title, refuri=address, internal=True)
        section += title
        self.state.nested_parse(StringList(items, source=str(chapter.path)), self.content_offset, section)
        return section


def setup(app: Sphinx) -> dict:
    app.add_directive("bibliographie", Bibliography)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
