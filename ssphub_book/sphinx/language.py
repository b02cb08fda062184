"""Words in English, marked so that a screen reader pronounces them as such.

`{en}` sets a term or a work in italics, `{en-droit}` leaves it upright (a title between quotation marks).
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx

MARK = {"classes": ["language-en"]}  # docutils writes it as lang="en"


def _role(node_class: type[nodes.TextElement]):
    def role(name, rawtext, text, lineno, inliner, options=None, content=()):
        return [node_class(rawtext, text, **MARK)], []

    return role


def setup(app: Sphinx) -> dict:
    app.add_role("en", _role(nodes.emphasis))
    app.add_role("en-droit", _role(nodes.inline))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
