"""`{chapitres}` and `{parcours}`: every chapter by theme, and the reading paths.

Both are lists of links that read without any script; theme/static/cahiers-progres.js shows in them what
the reader has done, which the browser alone keeps.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ssphub_book import chapters
from ssphub_book.sphinx.freshness import book, shows

PATHS = "book/decouvrir/parcours.yml"
KINDS = ("Question", "Exercice")


class chapter_item(nodes.list_item):
    """A chapter in a list: how many questions and exercises it has goes with it."""


def _told(book: dict[str, chapters.Chapter]) -> list[tuple]:
    """What the lists tell of each chapter."""
    return [
        (chapter.name, chapter.title, chapter.front, *(len(chapter.numbered(kind)) for kind in KINDS))
        for chapter in book.values()
    ]


class _ChapterLists(SphinxDirective):
    """What both directives share: the chapters, and an item that shows one of them."""

    def run(self) -> list[nodes.Node]:
        self.book = book(self.env)
        shows(self.env, _told)
        return self.lists()

    def item(self, chapter: chapters.Chapter, reason: str = "") -> chapter_item:
        """A link, the question (or why this path holds the chapter), level and minutes."""
        address = self.env.app.builder.get_relative_uri(self.env.docname, chapter.file.removesuffix(".md"))
        link = nodes.reference("", chapter.title, refuri=address, internal=True)
        front = chapter.front
        about = f"{front.get('niveau', '').capitalize()}, {front.get('duree', 0)} minutes"
        questions, exercises = (len(chapter.numbered(kind)) for kind in KINDS)
        item = chapter_item(classes=["chapitre-lien"], questions=questions, exercises=exercises)
        item += nodes.paragraph("", "", link)
        item += nodes.paragraph("", reason or front.get("question", ""))
        item += nodes.paragraph("", about, classes=["chapitre-duree"])
        return item


class Chapters(_ChapterLists):
    """Every chapter, one section per theme, in the order of `_toc.yml`."""

    def lists(self) -> list[nodes.Node]:
        found: list[nodes.Node] = []
        for tree in self.config.external_site_map.root.subtrees:
            names = [str(item).removeprefix(f"{chapters.NOTEBOOKS}/") for item in tree.items]
            written = [self.book[name] for name in names if name in self.book]
            if written:
                section = nodes.section(ids=[nodes.make_id(f"theme-{tree.caption}")])
                section += nodes.title("", tree.caption)
                section += nodes.bullet_list("", *map(self.item, written), classes=["chapitres-liste"])
                found.append(section)
        return found


class ReadingPaths(_ChapterLists):
    """The paths of parcours.yml: for whom, and which chapters in which order."""

    def lists(self) -> list[nodes.Node]:
        file = Path(self.env.srcdir, PATHS)
        self.env.note_dependency(str(file))
        return [self.path(key, path) for key, path in yaml.safe_load(file.read_text("utf-8")).items()]

    def path(self, key: str, path: dict) -> nodes.section:
        """One path. Raises a Sphinx error that names the file where a chapter does not exist."""
        unknown = [step["chapitre"] for step in path["etapes"] if step["chapitre"] not in self.book]
        if unknown:
            raise self.error(f"{PATHS}, parcours « {key} » : chapitre inconnu « {unknown[0]} ».")
        section = nodes.section(ids=[key])
        section += nodes.title("", path["titre"])
        section += nodes.paragraph("", path["pour"])
        steps = [self.item(self.book[step["chapitre"]], step["pourquoi"]) for step in path["etapes"]]
        section += nodes.enumerated_list("", *steps, classes=["chapitres-liste", "parcours"])
        return section


def visit_chapter_item(self, node: chapter_item) -> None:
    attributes = {f"data-{kind}": str(node[kind]) for kind in ("questions", "exercises")}
    self.body.append(self.starttag(node, "li", "", **attributes))


def depart_chapter_item(self, node: chapter_item) -> None:
    self.depart_list_item(node)


def setup(app: Sphinx) -> dict:
    app.add_node(chapter_item, html=(visit_chapter_item, depart_chapter_item))
    app.add_directive("chapitres", Chapters)
    app.add_directive("parcours", ReadingPaths)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
