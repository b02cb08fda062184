"""Terms of the glossary carry their definition: shown on hover and on focus, without a request.

A chapter links a term by `{term}`; the link gets the first paragraph of the definition, which
theme/static/cahiers-lecture.js shows beside it.
"""

from __future__ import annotations

import re
from html import escape

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

PAGE = "book/annexes/glossaire"
_LINK = re.compile(r'<a class="reference internal" href="(?P<href>[^"]*#(?P<id>term-[^"]+))"')


class DependOnGlossary(SphinxTransform):
    """A page that links a term is read again when the glossary changes."""

    default_priority = 500

    def apply(self, **kwargs) -> None:
        if any(link.get("reftype") == "term" for link in self.document.findall(addnodes.pending_xref)):
            self.env.note_dependency(self.env.doc2path(PAGE))


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
    app.connect("html-page-context", on_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
