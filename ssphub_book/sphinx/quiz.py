"""Quiz questions that a reader can answer in the page, and exercises that one can tick.

Authors write plain Markdown: a heading, a list of lettered choices, a folded answer that begins with
its letter. Existing extensions (teachbooks-questions, sphinx-yaq, jupyterquiz) want a syntax of their
own, which a notebook or the forge would show raw, and show no question without their script. Here the
list becomes radio buttons and the answer stays folded text, with no script; theme/static/
cahiers-progres.js adds the button that checks, and what the browser remembers.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx_design.shared import is_component

from ssphub_book.chapters import NUMBERED

from .header import front_matter

LETTER = re.compile(r"([A-Z])\.\s")
LOGGER = logging.getLogger(__name__)


class choices(nodes.General, nodes.Element):
    """The choices of a question: a group of radio buttons, named by the heading."""


class choice(nodes.General, nodes.TextElement):
    """One choice: a radio button and its label."""


class QuizAndExercises(SphinxPostTransform):
    """The numbered questions and exercises of a chapter, once the menus have read their titles."""

    default_priority = 190  # before sphinx-design opens its dropdowns
    formats = ("html",)

    def run(self, **kwargs) -> None:
        if not front_matter(self.env, self.env.docname):
            return
        for section in list(self.document.findall(nodes.section)):
            title = section[0].astext()
            if NUMBERED["Question"].match(title):
                self.question(section)
            elif NUMBERED["Exercice"].match(title):
                section["classes"].append("exercice")
                _name(section)

    def question(self, section: nodes.section) -> None:
        """Make a question of its section; where it cannot be read, warn and leave the text as it is."""
        items = next((node for node in section.children if isinstance(node, nodes.bullet_list)), [])
        letters = [_letter(item) for item in items]
        answer = _answer(section)
        if len(letters) < 2 or None in letters or answer not in letters:
            LOGGER.warning("question de quiz illisible : lancez « make check »", location=section)
            return
        section["classes"].append("question")
        group = choices(labelled_by=_name(section), answer=answer)
        for letter, item in zip(letters, items, strict=True):
            group += choice("", "", *item[0].children, group=section["ids"][0], letter=letter)
        items.replace_self(group)


def _letter(item: nodes.list_item) -> str | None:
    """The letter of a choice, which is one paragraph: « A. … »."""
    match = LETTER.match(item.astext())
    return match[1] if match and len(item) == 1 and isinstance(item[0], nodes.paragraph) else None


def _answer(section: nodes.section) -> str | None:
    """The bold letter at the beginning of the folded answer."""
    for dropdown in section.findall(lambda node: is_component(node, "dropdown")):
        if strong := next(iter(dropdown.findall(nodes.strong)), None):
            return strong.astext().rstrip(".")
    return None


def _name(section: nodes.section) -> str:
    """Give the text of the heading an id of its own, without the link that follows it."""
    title = section[0]
    name = f"{section['ids'][0]}-titre"
    title.children = [nodes.inline("", "", *title.children, ids=[name])]
    title.setup_child(title.children[0])
    return name


def visit_choices(self, node: choices) -> None:
    attributes = {"aria-labelledby": node["labelled_by"], "data-answer": node["answer"]}
    self.body.append(self.starttag(node, "fieldset", CLASS="choix", **attributes))


def depart_choices(self, node: choices) -> None:
    self.body.append("</fieldset>\n")


def visit_choice(self, node: choice) -> None:
    attributes = {"type": "radio", "name": node["group"], "value": node["letter"]}
    self.body.append(f"<label>{self.emptytag(node, 'input', ' ', **attributes)}<span>")


def depart_choice(self, node: choice) -> None:
    self.body.append("</span></label>\n")


def setup(app: Sphinx) -> dict[str, object]:
    app.add_node(choices, html=(visit_choices, depart_choices))
    app.add_node(choice, html=(visit_choice, depart_choice))
    app.add_post_transform(QuizAndExercises)
    app.add_js_file("cahiers-progres.js", loading_method="defer", priority=903)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
