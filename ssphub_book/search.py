"""The search index of the built site: Pagefind's, from copies of the pages made ready for French.

Pagefind folds accents, stems French and forgives a typo; it does not split elisions, knows no
keyword that the text lacks and takes sections from the ids of headings. The copies mend that; the
published pages are left as they are.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bs4 import BeautifulSoup, NavigableString, Tag

from ssphub_book.chapters import NOTEBOOKS, Chapter

FOLDER = "pagefind"
ELISION = re.compile(r"(?<=\w)['’](?=\w)")
# Nothing of these says what a page is about, or the page of its own says it better.
LEFT_OUT = "script, style, svg, math, a.headerlink, .toctree-wrapper, .fiche, button"
KEYWORD_WEIGHT, CODE_WEIGHT, OUTPUT_WEIGHT = "4", "0.4", "0.2"
UNUSED = ("pagefind-ui.*", "pagefind-modular-ui.*", "pagefind-component-ui.*", "pagefind-highlight.js")


class SearchError(Exception):
    """The index could not be made; the message holds what the indexer said."""


def index(site: Path, book: list[Chapter], kept: Path) -> None:
    """Write `site/pagefind/`. Raises SearchError where the indexer fails or finds no page.

    `kept` holds the copies of the last call: only pages that changed are made ready again.
    """
    keywords = {f"{NOTEBOOKS}/{c.name}.html": list(c.front.get("mots_cles") or []) for c in book}
    kept.mkdir(parents=True, exist_ok=True)
    used = set()
    with tempfile.TemporaryDirectory() as folder:
        copies = Path(folder)
        for page in site.rglob("*.html"):
            name = page.relative_to(site)
            copy = _copy(page.read_text(encoding="utf-8"), keywords.get(name.as_posix(), []), kept)
            used.add(copy)
            if text := copy.read_text(encoding="utf-8"):
                (copies / name).parent.mkdir(parents=True, exist_ok=True)
                (copies / name).write_text(text, encoding="utf-8")
        _run(copies)
        for pattern in UNUSED:
            for file in (copies / FOLDER).glob(pattern):
                file.unlink()
        shutil.copytree(copies / FOLDER, site / FOLDER, dirs_exist_ok=True)
    for stale in set(kept.iterdir()) - used:
        stale.unlink()


def _copy(html: str, keywords: list[str], kept: Path) -> Path:
    """The page as the indexer should read it, made now unless `kept` has it; empty if it has no text."""
    key = repr((html, keywords, Path(__file__).read_text(encoding="utf-8")))
    copy = kept / f"{hashlib.sha256(key.encode()).hexdigest()}.html"
    if not copy.is_file():
        partial = copy.with_suffix(".partial")
        partial.write_text(ready(html, keywords) or "", encoding="utf-8")
        partial.replace(copy)
    return copy


def ready(html: str, keywords: list[str]) -> str | None:
    """The page as the indexer should read it; None for a page that is not of the book's text."""
    soup = BeautifulSoup(html, "html.parser")
    article = soup.select_one("main article")
    title = article and article.find("h1")
    if not title or not article.select_one("section[id]"):
        return None
    for node in article.select(LEFT_OUT):
        node.decompose()
    for section in article.select("section[id]"):
        _move_id_to_heading(section)
    for selector, weight in ((".cell_input", CODE_WEIGHT), (".cell_output", OUTPUT_WEIGHT)):
        for block in article.select(selector):
            block["data-pagefind-weight"] = weight
    _split_elisions(article)
    article["data-pagefind-body"] = ""
    if keywords:
        title.insert_after(_keywords(soup, keywords))
    return str(soup)


def _move_id_to_heading(section: Tag) -> None:
    heading = section.find(re.compile(r"h[1-6]"), recursive=False)
    if heading is not None:
        heading["id"] = section["id"]
        del section["id"]


def _split_elisions(article: Tag) -> None:
    for text in article.find_all(string=ELISION):
        if type(text) is NavigableString:
            text.replace_with(ELISION.sub("’ ", text))


def _keywords(soup: BeautifulSoup, keywords: list[str]) -> Tag:
    """A paragraph that only the index sees: the words that a reader would type."""
    line = soup.new_tag("p", attrs={"data-pagefind-weight": KEYWORD_WEIGHT})
    line.string = ELISION.sub("’ ", f"Mots-clés : {', '.join(map(str, keywords))}.")
    return line


def _run(copies: Path) -> None:
    command = [sys.executable, "-m", "pagefind", "--site", str(copies), "--force-language", "fr"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not (copies / FOLDER / "pagefind.js").is_file():
        raise SearchError(f"l'index de recherche n'a pas pu être fait :\n{done.stdout}{done.stderr}")
