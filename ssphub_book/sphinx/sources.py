"""`{jeux-de-donnees}`: the data sets of the book, from the header of each SOURCE.md."""

from __future__ import annotations

from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ssphub_book import chapters
from ssphub_book.sphinx.freshness import shows

FIELDS = {
    "producteur": "Producteur",
    "licence": "Licence",
    "paquet": "Paquet dont il est extrait",
    "version": "Version du paquet",
    "date": "Date des données",
}


def _users(book: dict[str, chapters.Chapter]) -> list[tuple[str, str, list[str]]]:
    """(name, title, data sets) of each chapter."""
    return [(chapter.name, chapter.title, chapter.data) for chapter in book.values()]


class DataSets(SphinxDirective):
    """One section per data set: description, size, and the chapters that use it."""

    def run(self) -> list[nodes.Node]:
        root = Path(self.env.srcdir)
        used = shows(self.env, _users)
        sources = sorted((root / chapters.DATA).glob("*/SOURCE.md"))
        for source in sources:
            self.env.note_dependency(str(source))
        return [self._section(source, used) for source in sources]

    def _section(self, source: Path, used: list[tuple[str, str, list[str]]]) -> nodes.section:
        about = next(yaml.safe_load_all(source.read_text(encoding="utf-8")))
        name = source.parent.name
        section = nodes.section(ids=[name], names=[name])
        section += nodes.title("", about["titre"])
        fields = {label: str(about[key]) for key, label in FIELDS.items()}
        rows = f"{about['lignes']:,}".replace(",", "\u202f")
        fields["Taille"] = f"{rows} lignes, {about['colonnes']} colonnes"
        fields["Dossier"] = f"notebooks/data/{name}"
        items = nodes.definition_list(classes=["fiche-donnees"])
        for label, value in fields.items():
            items += self._item(label, nodes.paragraph("", value))
        users = [(chapter, title) for chapter, title, data in used if name in data]
        items += self._item("Chapitres", self._links(users))
        section += items
        return section

    def _item(self, label: str, body: nodes.Node) -> nodes.definition_list_item:
        return nodes.definition_list_item("", nodes.term("", label), nodes.definition("", body))

    def _links(self, users: list[tuple[str, str]]) -> nodes.paragraph:
        paragraph = nodes.paragraph()
        for rank, (name, title) in enumerate(users):
            if rank:
                paragraph += nodes.Text(", ")
            address = self._relative(f"{chapters.NOTEBOOKS}/{name}")
            paragraph += nodes.reference("", title, refuri=address, internal=True)
        if not users:
            paragraph += nodes.Text("aucun pour l'instant")
        return paragraph

    def _relative(self, docname: str) -> str:
        return self.env.app.builder.get_relative_uri(self.env.docname, docname)


def setup(app: Sphinx) -> dict:
    app.add_directive("jeux-de-donnees", DataSets)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
