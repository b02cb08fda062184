"""`{etat-du-livre}`: two tables of what each chapter holds, and of when and with what it last ran."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ssphub_book import chapters, state
from ssphub_book.sphinx.freshness import shows

UNKNOWN = "non mesuré"
CONTENT: dict[str, Callable[[state.State], str]] = {
    "Cellules (visibles)": lambda s: f"{s.cells} ({s.shown})",
    "Contrôles cachés": lambda s: str(s.checks),
    "Affirmations": lambda s: str(s.assertions),
    "Altérations détectées": lambda s: (
        f"{s.mutants.caught} sur {s.mutants.telling}" if s.mutants else UNKNOWN
    ),
    "Points à corriger": lambda s: str(s.findings),
}
LIFE: dict[str, Callable[[state.State], str]] = {
    "Durée": lambda s: UNKNOWN if s.seconds is None else f"{s.seconds:.0f} s",
    "Exécuté le": lambda s: f"{s.executed:%d/%m/%Y}" if s.executed else UNKNOWN,
    "Modifié le": lambda s: f"{s.changed:%d/%m/%Y}" if s.changed else "pas encore enregistré",
    "Avec": lambda s: ", ".join(s.versions),
}


def _caught(found: state.Mutants | None) -> str:
    return f"{found.caught} sur {found.telling}" if found else UNKNOWN


class BookState(SphinxDirective):
    """The tables are made as an author would write them, and read by the page's own parser."""

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(shows(self.env, _tables))


def _tables(book: dict[str, chapters.Chapter]) -> str:
    found = state.of_book(list(book.values()))
    content = "\n".join(_table("Ce que contient chaque chapitre", CONTENT, found))
    life = "\n".join(_table("La dernière exécution de chaque chapitre", LIFE, found))
    return f"{content}\n\n{life}"


def _table(caption: str, columns: dict, found: list[state.State]) -> Iterator[str]:
    yield from (f"```{{table}} {caption}", f"| Chapitre | {' | '.join(columns)} |")
    yield f"| --- |{' --- |' * len(columns)}"
    for one in found:
        cells = (f"[{one.chapter.title}](/{one.chapter.file})", *(show(one) for show in columns.values()))
        yield f"| {' | '.join(cells)} |"
    yield "```"


def setup(app: Sphinx) -> dict:
    app.add_directive("etat-du-livre", BookState)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
