"""The spelling of the prose.

Figures, identifiers, names that the code holds, file names, acronyms and {en} are not looked at, nor
the capitalised words of the references.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from functools import lru_cache

from ssphub_book.chapters import LAST_PART, NOTEBOOKS, Chapter
from ssphub_book.contract import dictionary, prose, syntax
from ssphub_book.contract.finding import Finding
from ssphub_book.contract.prose import OBJECT

WORD = re.compile(rf"[\w{OBJECT}](?:[\w{OBJECT}'’.·/@\\-]*[\w{OBJECT}])?")
# What is no French word: digits, identifiers, names of files and addresses, halves of an object.
FOREIGN = re.compile(rf".*[\dº_@.\\{OBJECT}]|.*[^\W\d_][a-zà-ÿ]+[A-Z]|[A-Z]{{2,6}}s?$")
ELISION = re.compile(r"(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu|presqu|quelqu|entr)['’]", re.IGNORECASE)
UNAVAILABLE = "l'orthographe n'est pas vérifiée ici : chunspell ne s'installe pas sur cette machine."


@lru_cache(maxsize=128)
def unknown_words(chapter: Chapter) -> dict[str, list[int]]:
    """The words that neither the dictionary nor the book's list admits, with their lines."""
    found: dict[str, list[int]] = {}
    for passage in prose.read(chapter).passages:
        for match in WORD.finditer(passage.without_addresses):
            for word in _parts(match.group()):
                found.setdefault(word, []).append(passage.line_at(match.start()))
    return found


def _parts(token: str) -> Iterator[str]:
    """The unknown words of a run of letters: `d'objet`, `et/ou`, `peut-être`, `agent·e·s`."""
    token = token.replace("’", "'")
    for piece in token.split("/"):
        piece = ELISION.sub("", piece, count=1) if ELISION.match(piece) else piece
        piece = piece.partition("·")[0]
        if len(piece) < 2 or FOREIGN.match(piece) or dictionary.admits(piece):
            continue
        parts = re.split(r"[-']", piece)
        if len(parts) == 1:
            yield piece
        else:
            yield from (p for part in parts for p in _parts(part))


def _spelling(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    if not dictionary.available():
        remedy = "utilisez un processeur x86-64, ou laissez l'intégration continue la vérifier."
        yield Finding("requirements.txt", 1, "orthographe", UNAVAILABLE, remedy)
        return
    names, references = _names(chapter), _references(chapter)
    for word, lines in unknown_words(chapter).items():
        if word in names or mistyped(word):  # typography tells the latter
            continue
        if word[0].isupper() and min(lines) > references:
            continue
        times = f" ({len(lines)} fois dans le fichier)" if len(lines) > 1 else ""
        message = f"« {word} » n'est pas dans le dictionnaire{times}."
        near = " ou ".join(f"« {form} »" for form in dictionary.suggestions(word))
        remedy = f"écrivez {near}" if near else "corrigez-le"
        listed = dictionary.OWN_LIST.relative_to(dictionary.FOLDER.parents[2]).as_posix()
        remedy += f" ; si le mot est juste, ajoutez-le à {listed}, ou marquez-le par {{en}}`{word}`."
        yield Finding(chapter.file, lines[0], "orthographe", message, remedy)


def _names(chapter: Chapter) -> set[str]:
    """The names that the code gives whole, as texts: columns, categories; they are no prose."""
    if not chapter.file.startswith(NOTEBOOKS):
        return set()
    nodes = (node for cell in chapter.cells for node in syntax.walk(cell))
    return {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def _references(chapter: Chapter) -> float:
    """The line of the last part, where capitals open the names of authors and of works."""
    return next((line for line, level, title in chapter.headings if title == LAST_PART), math.inf)


def mistyped(word: str) -> str | None:
    """The right form of a word that lacks its ligature or the accent of its capital; None for others."""
    for form in dictionary.accented(word):
        changed = [(a, b) for a, b in zip(word, form, strict=False) if a != b]
        if len(form) < len(word) or (form[1:] == word[1:] and changed[0][0].isupper()):
            return form
    return None


RULES = (_spelling,)
