"""Sphinx extension of the preview alone: each block of a page says the line that it comes from.

The attribute `data-ligne` is where the preview's script puts its boxes. The index of Sphinx's own
search, which the preview does not offer, is left out.
"""

from __future__ import annotations

import types

from docutils import nodes
from sphinx.application import Sphinx

ATTRIBUTE = "data-ligne"
written: list[str] = []  # the pages that this process wrote


class LineMixin:
    """Translator that writes the line of a block in its tag."""

    def starttag(self, node, tagname, suffix="\n", empty=False, **attributes):
        if isinstance(node, nodes.Element) and node.line and not isinstance(node, nodes.Inline):
            attributes[ATTRIBUTE] = str(node.line)
        return super().starttag(node, tagname, suffix, empty, **attributes)


def on_builder(app: Sphinx) -> None:
    app.builder.search = False
    base = app.registry.get_translator_class(app.builder)
    app.set_translator(app.builder.name, types.new_class("Lines", (LineMixin, base)), override=True)


def on_page(app: Sphinx, pagename, templatename, context, doctree) -> None:
    if doctree is not None:
        written.append(pagename)


def setup(app: Sphinx) -> dict:
    app.connect("builder-inited", on_builder, priority=999)  # after the theme has chosen its translator
    app.connect("html-page-context", on_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
