"""The links inside the book: to its files, to its anchors and to its glossary.

Addresses of other sites are not looked at: nothing here calls the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import lru_cache
from os.path import join, normpath, relpath
from pathlib import Path

import yaml

from ssphub_book import chapters, plain
from ssphub_book.chapters import Chapter
from ssphub_book.contract import prose
from ssphub_book.contract.finding import Finding
from ssphub_book.contract.prose import Link

EXTERNAL = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
MADE_BY_SPHINX = {"genindex", "modindex", "search"}  # what {ref} may aim at besides the pages
ELSEWHERE = {"term", "entree"}  # what other rules look at
HEAVIEST_IMAGE = 300_000  # bytes
LABEL_HOW_TO = "posez (nom)= sur la ligne avant la cible, et liez-la par [texte](nom)"


def _dead(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    for link in prose.read(chapter).links:
        if link.kind in ELSEWHERE or EXTERNAL.match(link.target) or _leads(chapter, toc, link):
            continue
        near = _nearest(link.target, _known(chapter, toc, link))
        what = "cette image n'existe pas" if link.kind == "image" else "ce lien ne mène nulle part"
        yield Finding(
            chapter.file, link.line, "lien-mort", f"« {link.target} » : {what}.", _remedy(link, near)
        )


def _leads(chapter: Chapter, toc: set[str], link: Link) -> bool:
    """Whether Sphinx finds what an internal link, or an image, aims at."""
    path, _, anchor = link.target.partition("#")
    if link.kind == "ref":
        return _is_label(chapter, toc, link.target) or link.target in MADE_BY_SPHINX
    if link.kind == "doc":
        return _page(chapter, path) in toc
    if not path:
        return _is_label(chapter, toc, anchor) or _is_heading(chapter, anchor)
    file = _file(chapter, path)
    if link.kind in {"image", "download"} or (file.is_file() and file.suffix != ".md"):
        return file.is_file()
    if (page := _page(chapter, path.removesuffix(".md"))) in toc:
        return not anchor or _is_heading(chapters.read(chapter.root, chapter.root / f"{page}.md"), anchor)
    return link.kind == "link" and _is_label(chapter, toc, link.target)


def _file(chapter: Chapter, path: str) -> Path:
    """The file that a path, relative to the page or from the root of the book (`/…`), names."""
    folder = chapter.root if path.startswith("/") else chapter.path.parent
    return Path(normpath(join(folder, path.lstrip("/"))))


def _page(chapter: Chapter, path: str) -> str:
    """The page that a path names, as `_toc.yml` would."""
    return Path(relpath(_file(chapter, path), chapter.root)).as_posix()


def _is_label(chapter: Chapter, toc: set[str], name: str) -> bool:
    """Whether a page of the book gives this name to a place: `(name)=`, or an option `name`."""
    name = name.lower()
    pages = (chapter, *(page for page in _pages(chapter.root, frozenset(toc)) if name in page.text.lower()))
    return any(name in prose.read(page).targets for page in pages)


def _is_heading(page: Chapter, anchor: str) -> bool:
    """Whether the anchor is one that MyST makes from a heading, down to the level that `_config.yml` says."""
    return prose.read(page).slugs.get(anchor, 7) <= _anchored_levels(page.root)


def _anchored_levels(root: Path) -> int:
    config = yaml.load((root / "_config.yml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or {}
    return int(((config.get("sphinx") or {}).get("config") or {}).get("myst_heading_anchors") or 0)


def _pages(root: Path, toc: frozenset[str]) -> list[Chapter]:
    paths = [path for file in sorted(toc) if (path := root / f"{file}.md").is_file()]
    return _read(root, tuple((path, path.stat().st_mtime_ns) for path in paths))


@lru_cache(maxsize=2)
def _read(root: Path, stamps: tuple[tuple[Path, int], ...]) -> list[Chapter]:
    return [chapters.read(root, path) for path, _ in stamps]


def _known(chapter: Chapter, toc: set[str], link: Link) -> list[str]:
    """What this link could aim at, written as the author would."""
    if link.kind in {"image", "download"}:
        folder = _file(chapter, link.target).parent
        files = sorted(folder.glob("*")) if folder.is_dir() else []
        return [relpath(path, chapter.path.parent) for path in files if path.is_file()]
    labels = {name for page in _pages(chapter.root, frozenset(toc)) for name in prose.read(page).targets}
    if link.kind == "ref":
        return sorted(labels)
    suffix = "" if link.kind == "doc" else ".md"
    return sorted(labels) + [relpath(chapter.root / f"{p}{suffix}", chapter.path.parent) for p in sorted(toc)]


def _nearest(name: str, known: Iterable[str]) -> str:
    return " ou ".join(f"« {near} »" for near in get_close_matches(name, known, n=2, cutoff=0.6))


def _remedy(link: Link, near: str) -> str:
    wrong_anchor = "#" in link.target and f"« {link.target.partition('#')[0]} »" in near
    if near and not wrong_anchor:
        return f"corrigez-le ; vouliez-vous dire {near} ?"
    if "#" in link.target:
        return f"une ancre ne se déduit pas d'un titre : {LABEL_HOW_TO}."
    if link.kind == "ref":
        return f"{LABEL_HOW_TO}."
    return "corrigez le chemin, qui part du dossier de la page."


def _terms(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    terms = [link for link in prose.read(chapter).links if link.kind == "term"]
    if not terms:
        return
    known = _glossary(chapter.root)
    for link in terms:
        if link.target.lower() not in known:
            message = f"« {link.target} » n'est pas dans {plain.GLOSSARY}.md."
            near = _nearest(link.target.lower(), known)
            remedy = f"écrivez {{term}}`{link.target} <terme défini>`, ou définissez-le dans le glossaire"
            remedy += f" ; termes proches : {near}." if near else "."
            yield Finding(chapter.file, link.line, "terme-inconnu", message, remedy)


def _glossary(root: Path) -> tuple[str, ...]:
    """The terms of the glossary, in lower case; none where the book has no glossary."""
    glossary = root / f"{plain.GLOSSARY}.md"
    return _defined(root, glossary.stat().st_mtime_ns) if glossary.is_file() else ()


@lru_cache(maxsize=2)
def _defined(root: Path, changed: int) -> tuple[str, ...]:
    return tuple(plain.Book(root, "", (plain.GLOSSARY,)).terms)


def _heavy(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    for link in (link for link in prose.read(chapter).links if link.kind == "image"):
        file = _file(chapter, link.target)
        if file.is_file() and file.stat().st_size > HEAVIEST_IMAGE:
            message = f"« {link.target} » pèse {file.stat().st_size // 1000} ko."
            remedy = f"réduisez-la à {HEAVIEST_IMAGE // 1000} ko au plus : 1600 pixels de large suffisent."
            yield Finding(chapter.file, link.line, "fichier-lourd", message, remedy)


RULES = (_dead, _terms, _heavy)
