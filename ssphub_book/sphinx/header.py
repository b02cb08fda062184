"""The card under the title of a chapter and the page's metadata, from the front matter `chapitre:`.

Other pages give their description under `description:`.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.transforms.post_transforms import SphinxPostTransform

from . import running
from .typography import french_line, is_french

DATA_PAGE = "book/annexes/donnees"
CHAPTERS = "notebooks/"


def front_matter(env, docname: str) -> dict:
    """What the page says under `chapitre:`; empty where it is not a chapter."""
    value = env.metadata.get(docname, {}).get("chapitre")
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return {}
    return value if isinstance(value, dict) else {}


def _link(app: Sphinx, docname: str, target: str, text: str) -> str:
    page, _sep, anchor = target.partition("#")
    uri = app.builder.get_relative_uri(docname, page) + (f"#{anchor}" if anchor else "")
    return f'<a href="{escape(uri, quote=True)}">{escape(text)}</a>'


def _data_title(app: Sphinx, name: str) -> str:
    """The title of the data set's own file; its name where there is none."""
    source = Path(app.srcdir, "notebooks/data", name, "SOURCE.md")
    if source.is_file():
        title = re.search(r"^#\s+(.+)$", source.read_text(encoding="utf-8"), re.MULTILINE)
        if title:
            return title[1].strip()
    return name


def _data(app: Sphinx, docname: str, name: str) -> str:
    title = _data_title(app, name)
    if is_french(app.config.language):
        title = french_line(title)
    if DATA_PAGE not in app.env.found_docs:
        return escape(title)
    anchors = [
        node.get("anchorname", "").lstrip("#") for node in app.env.tocs[DATA_PAGE].findall(nodes.reference)
    ]
    wanted = {nodes.make_id(name), name, nodes.make_id(_data_title(app, name))}
    anchor = next((a for a in anchors if a in wanted), "")
    return _link(app, docname, f"{DATA_PAGE}#{anchor}" if anchor else DATA_PAGE, title)


def _prerequisite(app: Sphinx, docname: str, name: str) -> str:
    target = CHAPTERS + name
    if target not in app.env.titles:
        return escape(name)
    return _link(app, docname, target, app.env.titles[target].astext())


def _items(items: list[str]) -> str:
    if len(items) == 1:
        return items[0]
    return "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"


def card(app: Sphinx, docname: str, front: dict) -> str:
    """The HTML of the card."""

    def text(value: object) -> str:
        value = str(value).strip()
        return escape(french_line(value) if is_french(app.config.language) else value)

    rows: list[tuple[str, str, str]] = []
    if front.get("niveau"):
        rows.append(("niveau", _("Level"), text(front["niveau"]).capitalize()))
    if front.get("duree"):
        rows.append(("duree", _("Reading time"), f"{text(front['duree'])}\u00a0min"))
    if front.get("prerequis"):
        links = [_prerequisite(app, docname, str(name)) for name in front["prerequis"]]
        rows.append(("prerequis", _("Prerequisites"), _items(links)))
    else:
        rows.append(("prerequis", _("Prerequisites"), _("none")))
    if front.get("outils"):
        rows.append(("outils", _("Tools"), text(", ".join(map(str, front["outils"])))))
    if front.get("donnees"):
        links = [_data(app, docname, str(name)) for name in front["donnees"]]
        rows.append(("donnees", _("Data"), _items(links)))
    if front.get("objectifs"):
        goals = [text(goal) for goal in front["objectifs"]]
        rows.append(("objectifs", _("You will know how to"), _items(goals)))
    if ways := running.ways(app, docname, front):
        rows.append(("executer", _("Run this chapter"), ways))
    lines = "\n".join(
        f'<div class="fiche-{key}"><dt>{label}</dt><dd>{value}</dd></div>' for key, label, value in rows
    )
    question = ""
    if front.get("question"):
        question = f'<p class="fiche-question">{text(front["question"])}</p>\n'
    return (
        f'<section class="fiche" aria-label="{escape(_("About this chapter"), quote=True)}">\n'
        f"{question}<dl>\n{lines}\n</dl>\n</section>"
    )


class ChapterCard(SphinxPostTransform):
    """Put the card under the first title: titles of other chapters are known by then."""

    default_priority = 300
    formats = ("html",)

    def run(self, **kwargs) -> None:
        front = front_matter(self.env, self.env.docname)
        section = next(self.document.findall(nodes.section), None)
        if front and section is not None:
            html = card(self.app, self.env.docname, front)
            section.insert(1, nodes.raw("", html, format="html"))


def describe(app: Sphinx, docname: str) -> str:
    """The page in one sentence: the chapter's question, or the page's description."""
    metadata = app.env.metadata.get(docname, {})
    description = front_matter(app.env, docname).get("question") or metadata.get("description") or ""
    description = str(description).strip()
    return french_line(description) if is_french(app.config.language) else description


def on_page(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Description and keywords of the page."""
    description = describe(app, pagename)
    keywords = front_matter(app.env, pagename).get("mots_cles") or []
    tags = ""
    if description:
        context["page_description"] = description
        tags += f'\n    <meta name="description" content="{escape(description, quote=True)}" />'
    if keywords:
        words = ", ".join(map(str, keywords))
        tags += f'\n    <meta name="keywords" content="{escape(words, quote=True)}" />'
    context["metatags"] = context.get("metatags", "") + tags


def setup(app: Sphinx) -> dict[str, object]:
    app.add_post_transform(ChapterCard)
    app.connect("html-page-context", on_page, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
