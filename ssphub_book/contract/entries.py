"""The entries of the network's data files: sound where they are written, and known where pages cite them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from ssphub_book import network
from ssphub_book.chapters import NOTEBOOKS, Chapter
from ssphub_book.contract import prose
from ssphub_book.contract.finding import Finding

LISTED = re.compile(r"^`{3,}\{entrees\}[ \t]*(?P<kind>\S*)", re.MULTILINE)
HOW_TO = f"ajoutez le nom du chapitre à la clé « chapitres » d'une entrée de {network.FOLDER}"


def problems(root: Path) -> Iterator[Finding]:
    """A finding for each entry that breaks the schema of its file."""
    for problem in network.read(root).problems:
        yield Finding(problem.file, problem.line, "entree", problem.message, problem.remedy)


def _cited(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    """Names that no entry has; addresses that an entry gives, typed by hand in a chapter."""
    links = prose.read(chapter).links
    if not any(link.kind == "entree" for link in links) and not chapter.file.startswith(NOTEBOOKS):
        return
    known = network.read(chapter.root)
    addresses = {entry.address.rstrip("/"): entry.key for entry in known.entries}
    for link in links:
        if link.kind == "entree" and link.target not in known.by_key:
            near = get_close_matches(link.target, known.by_key, n=2)
            remedy = "écrivez le nom d'une entrée" + (f" : {' ou '.join(near)}." if near else ".")
            message = f"aucune entrée de {network.FOLDER} ne s'appelle « {link.target} »."
            yield Finding(chapter.file, link.line, "entree", message, remedy)
        key = addresses.get(link.target.rstrip("/")) if link.kind == "link" else None
        if key and chapter.file.startswith(NOTEBOOKS):
            message = f"cette adresse est celle de l'entrée « {key} » du catalogue."
            remedy = f"écrivez {{entree}}`texte <{key}>` : l'adresse ne sera donnée qu'à un endroit."
            yield Finding(chapter.file, link.line, "entree", message, remedy)


def _listed(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    """Lists that would be empty."""
    if not chapter.file.startswith(NOTEBOOKS):
        return
    for found in LISTED.finditer(chapter.text):
        number = chapter.text.count("\n", 0, found.start()) + 1
        kinds = network.LISTS.get(found["kind"])
        if kinds is None:
            message = f"« {found['kind']} » n'est pas une liste d'entrées."
            yield Finding(chapter.file, number, "entree", message, f"écrivez {' ou '.join(network.LISTS)}.")
        elif not network.read(chapter.root).for_chapter(chapter.name, kinds):
            message = f"aucune entrée de {', '.join(kinds)} ne cite ce chapitre : la liste serait vide."
            yield Finding(chapter.file, number, "entree", message, f"{HOW_TO}, ou retirez ce bloc.")


RULES = (_cited, _listed)
