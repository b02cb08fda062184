"""Formulae rendered as MathML when the book is built: no script, no font, no other site."""

from __future__ import annotations

import re
from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

# The library writes a command that it does not know as text.
_UNKNOWN = re.compile(r">(\\[A-Za-z]+)<")
LOGGER = logging.getLogger(__name__)


def to_mathml(latex: str, block: bool = False) -> str:
    """One formula. Raises ValueError where the LaTeX cannot be read."""
    try:
        from latex2mathml.converter import convert
    except ImportError as error:
        raise ExtensionError("latex2mathml manque : pip install latex2mathml") from error
    try:
        html = convert(latex.strip(), display="block" if block else "inline")
    except Exception as error:  # the library has no single root of exceptions
        raise ValueError(f"{type(error).__name__} {error}".strip()) from error
    if unknown := _UNKNOWN.search(html):
        raise ValueError(f"commande inconnue {unknown[1]}")
    return html.replace("<math ", f'<math alttext="{escape(latex.strip(), quote=True)}" ', 1)


def _render(translator, node: nodes.Element, block: bool) -> str:
    latex = node.astext()
    try:
        return to_mathml(latex, block)
    except ValueError as error:
        LOGGER.warning("formule illisible : %s (%s)", latex, error, location=node)
        return f"<code>{escape(latex)}</code>"


def visit_inline(translator, node: nodes.math) -> None:
    translator.body.append(_render(translator, node, block=False))
    raise nodes.SkipNode


def visit_block(translator, node: nodes.math_block) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="formule", tabindex="0"))
    translator.body.append(_render(translator, node, block=True))
    if node.get("number"):
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="formule-numero">({number})')
        translator.add_permalink_ref(node, "Lien vers cette formule")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, object]:
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
