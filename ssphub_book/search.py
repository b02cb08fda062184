"""The search index of the built site: Pagefind's, one record for each section, made ready for French.

Pagefind folds accents, stems French and finds the beginning of a word; it does not split elisions,
knows no keyword that the text lacks, no synonym and no limit to what it takes for a typo. The
records mend the first two; `words.json`, which the dialog reads with the index, mends the others.
"""

from __future__ import annotations

import builtins
import gzip
import hashlib
import html
import json
import keyword
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import yaml
from bs4 import BeautifulSoup, NavigableString, Tag

from ssphub_book import kept
from ssphub_book.chapters import NOTEBOOKS, Chapter

FOLDER = "pagefind"
DOCUMENTS = "_build/recherche"  # what the indexer reads: a folder for each page, a document for each section
MARK = "empreinte"  # in the folder of a page: hash of its documents, written after them
WORDS = "words.json"
ENTRIES = "entries.json"
LANGUAGE = Path(__file__).with_name("search_words.yml")
ELISION = re.compile(r"(?<=\w)['’](?=\w)")
WORD = re.compile(r"[^\W_]+")
COMPOUND = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+")
CALLED = re.compile(r"\b([^\W\d_]\w{2,})\(|\b(?:import|from)\s+(\w{3,})")
DEFINED = re.compile(r"\bdef\s+(\w+)")
COMMON = {*keyword.kwlist, *dir(builtins)}
ATTACHED = re.compile(r"-(?:le|la|les|lui|leur|moi|nous|vous|je|il|elle|ils|elles|on|y|en|ce|ci|meme|memes)$")
YEAR = re.compile(r"(?:19|20)\d\d$")
HEADINGS = re.compile(r"h[1-6]")
# Nothing of these says what a page is about, the page of its own says it better, or it is an answer.
LEFT_OUT = (
    "script, style, svg, math, a.headerlink, .toctree-wrapper, .fiche, button, details.hide > summary, "
    ".cell_output pre, .cell_output table, .tag_controle, :is(.question, .exercice) details, "
    ".notice > [class^=notice-]"
)
CODE = ".cell_input, div[class*=highlight-]"
COLOURED = re.compile(r"<pre>.*?</pre>", re.DOTALL)
SPAN = re.compile(r"</?span\b[^>]*>")
CODE_WEIGHT = "0.4"
PAGE_WEIGHT = "0.4"  # of the text of a page that is no chapter: chapters teach, pages tell about
# Pages about the book or the network, whose titles weigh less: who searches « légende » wants no rule.
ABOUT = ("book/contribuer/", "book/reseau/", "book/annexes/donnees")
FREQUENT = (10, 3)  # sections that hold a word: its class in the vocabulary
NAMED_BY_CONTENT = ("fragment", "index")  # folders of the indexer's files
FAILED = "l'index de recherche n'a pas pu être fait"
UNUSED = (
    "pagefind-ui.*",
    "pagefind-modular-ui.*",
    "pagefind-component-ui.*",
    "pagefind-highlight.js",
    "pagefind-worker.js",
)


class SearchError(Exception):
    """The index could not be made; the message holds what the indexer said."""


@dataclass(frozen=True)
class Record:
    """A section as the indexer reads it: its page (a path in the site), its id, its titles, its own text."""

    page: str
    section: str
    chapter: str
    title: str
    body: str
    code: str = ""
    keywords: str = ""
    kind: str = ""  # what an entry of the network's lists is: « formation »; empty for a section

    @property
    def html(self) -> str:
        """The document that Pagefind reads; titles and keywords are fields, found but not shown."""
        page, title = ("about", "part") if self.page.startswith(ABOUT) else ("page", "title")
        fields = {page: self.chapter, title: self.title, "keywords": self.keywords}
        spans = "".join(
            f'<span data-pagefind-meta="{name}">{html.escape(text)}</span>'
            for name, text in fields.items()
            if text
        )
        code = (
            f'<p data-pagefind-weight="{CODE_WEIGHT}">Code : {html.escape(self.code)}</p>'
            if self.code
            else ""
        )
        chapter = self.page.startswith(f"{NOTEBOOKS}/")
        weight = "" if chapter else f' data-pagefind-weight="{PAGE_WEIGHT}"'
        return (
            f'<html lang="fr"><body><div data-pagefind-ignore>{spans}</div>'
            f"<div data-pagefind-body><p{weight}>{html.escape(self.body)}</p>{code}</div></body></html>"
        )

    @cached_property
    def words(self) -> set[str]:
        """The words by which the section is found, folded, compounds (« non-réponse ») and their parts."""
        text = fold(" ".join((self.chapter, self.title, self.keywords, self.body, self.code)))
        return {*WORD.findall(text), *COMPOUND.findall(text)}


def fold(text: str) -> str:
    """Lower case, without accents: the form in which words are compared."""
    letters = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def index(site: Path, before: Path, book: list[Chapter], root: Path) -> None:
    """Write `site/pagefind/`. Raises SearchError where the indexer fails or finds no page.

    `root`: of the book, which keeps what was made of the pages that stay the same; `before`: the last site,
    which may not exist, whose index has most of the files that this one will.
    """
    known = keywords(book)
    found = [record for page in sorted(site.rglob("*.html")) for record in read(site, page, known, root)]
    _link(before / FOLDER, site / FOLDER)
    write(found, site / FOLDER, root / DOCUMENTS)


def _link(before: Path, folder: Path) -> None:
    """Give the indexer the files of the last index that are named by their content: it never writes them
    again."""
    for part in (part for part in NAMED_BY_CONTENT if (before / part).is_dir()):
        shutil.copytree(before / part, folder / part, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # some file systems have no links
        shutil.copy2(source, target)


def _prune(folder: Path) -> None:
    """Remove the files named by their content that this index does not name."""
    [meta] = folder.glob("*.pf_meta")
    named = gzip.decompress(meta.read_bytes())
    for file in (file for part in NAMED_BY_CONTENT for file in (folder / part).iterdir()):
        if file.name.partition(".")[0].encode() not in named:
            file.unlink()


def keywords(book: list[Chapter]) -> dict[str, list[str]]:
    """The keywords of each chapter, by the path of its page in the site."""
    return {f"{NOTEBOOKS}/{c.name}.html": list(c.front.get("mots_cles") or []) for c in book}


def read(site: Path, page: Path, known: dict[str, list[str]], root: Path) -> list[Record]:
    """The records of a page, made now unless they were for the same text. `known`: what `keywords` gives."""
    name, text = page.relative_to(site).as_posix(), page.read_text(encoding="utf-8")
    words = known.get(name, [])

    def make() -> list[Record]:
        made = records(name, text, words)
        for record in made:
            _ = record.words  # kept with it
        return made

    return kept.of(root, name, "recherche", f"{words}\0{text}", make)


def write(found: list[Record], folder: Path, documents: Path) -> None:
    """The index of these records, their vocabulary and the list of entries, in `folder`; what the indexer
    reads, in `documents`. Raises SearchError where there is no section, or where the indexer fails."""
    sections = [record for record in found if not record.kind]
    if not sections:
        raise SearchError(f"{FAILED} : le site n'a aucune page à indexer.")
    _lay_out(sections, documents)
    with _indexer(documents, folder) as indexer:
        tables = {WORDS: language(sections), ENTRIES: entries(found)}
        said, _ = indexer.communicate()
    if indexer.returncode != 0 or not (folder / "pagefind.js").is_file():
        raise SearchError(f"{FAILED} :\n{said}")
    for name, table in tables.items():
        text = json.dumps(table, ensure_ascii=False, separators=(",", ":"))
        (folder / name).write_text(text, encoding="utf-8")
    for file in (file for pattern in UNUSED for file in folder.glob(pattern)):
        file.unlink()
    _prune(folder)


def records(name: str, page: str, keywords: list[str]) -> list[Record]:
    """The sections of a page, in order; none for a page that is not of the book's text."""
    plain = COLOURED.sub(lambda code: SPAN.sub("", code[0]), page)  # most elements of a page colour its code
    soup = BeautifulSoup(plain, "html.parser")
    article = soup.select_one("main article")
    first = article and article.select_one("section[id]")
    if not first or not article.find("h1"):
        return []
    for node in article.select(LEFT_OUT):
        node.decompose()
    _split_elisions(article)
    chapter = _text(article.find("h1"))
    named = COMMON | set(DEFINED.findall(article.get_text()))
    sections = article.select("section[id], .notice[id]")
    made = [_record(name, section.extract(), chapter) for section in reversed(sections)]  # inner ones first
    made = [replace(record, code=_new_names(record.code, named)) for record in reversed(made)]
    line = ELISION.sub("’ ", ", ".join(map(str, keywords)))
    return [replace(made[0], keywords=line or made[0].keywords), *made[1:]]


def _record(page: str, section: Tag, chapter: str) -> Record:
    heading = section.find(HEADINGS, recursive=False)
    title = _text(heading.extract()) if heading else chapter
    code = [block.extract().get_text() for block in section.select(CODE)]
    words = section.get("data-mots", "")
    kind = section.get("data-genre", "")
    return Record(
        page, section["id"], chapter, title, _text(section), "\n".join(code), keywords=words, kind=kind
    )


def _new_names(code: str, named: set[str]) -> str:
    """The functions and modules that code names for the first time in its page; `named` learns them.

    Code itself would fill the index with numbers, signs and variables that nobody looks for.
    """
    names = {name for pair in CALLED.findall(code) for name in pair if name} - named
    named |= names
    return " ".join(sorted(names))


def _text(node: Tag) -> str:
    return " ".join(node.get_text(" ").split())


def _split_elisions(article: Tag) -> None:
    for text in article.find_all(string=ELISION):
        if type(text) is NavigableString:
            text.replace_with(ELISION.sub("’ ", text))


def entries(found: list[Record]) -> list[list[str]]:
    """What the dialog needs to find the entries of the network's lists: address, title, kind, words.

    They are kept out of the index of the pages: short texts, whose titles would come before the chapters
    that treat their subject.
    """
    listed = [record for record in found if record.kind]
    return [[f"{r.page}#{r.section}", r.title, r.kind, fold(f"{r.keywords} {r.body}")] for r in listed]


def language(found: list[Record]) -> dict[str, list | int]:
    """What the dialog needs to understand a query: vocabulary by frequency, stop words, synonyms."""
    tables = yaml.load(LANGUAGE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    stop = fold(tables["stop"]).split()
    counts = Counter(word for record in found for word in record.words)
    known = _listed(set(counts), set(stop))
    classes: list[list[str]] = [[] for _ in range(len(FREQUENT) + 1)]
    for word in sorted(known):
        classes[sum(counts[word] < bound for bound in FREQUENT)].append(word)
    groups = [[fold(form).replace("'", " ") for form in group] for group in tables["synonyms"]]
    return {
        "words": [" ".join(words) for words in classes],
        "stop": stop,
        "synonyms": [group for group in groups if any(set(form.split()) <= set(counts) for form in group)],
        "sections": len(found),
    }


def _listed(words: set[str], stop: set[str]) -> set[str]:
    """The words worth sending: no stop word, no plural beside its singular, no number but years, no verb
    with its pronoun (« écrivez-le »)."""
    plurals = {word for word in words if len(word) > 3 and word[-1] in "sx" and word[:-1] in words}
    numbers = {word for word in words if word[0].isdigit() and not YEAR.match(word)}
    attached = {word for word in words if ATTACHED.search(word)}
    return words - stop - plurals - numbers - attached


def _lay_out(found: list[Record], documents: Path) -> None:
    """Have the folder hold the document of each record and no other; pages that are right are left alone."""
    pages: dict[Path, dict[str, str]] = {}
    for record in found:
        pages.setdefault(documents / record.page, {})[f"{record.section}.html"] = record.html
    for folder in {mark.parent for mark in documents.rglob(MARK)} - pages.keys():
        shutil.rmtree(folder)
    for folder, texts in pages.items():
        digest = hashlib.sha256(repr(texts).encode()).hexdigest()
        mark = folder / MARK
        if mark.is_file() and mark.read_text() == digest:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        mark.write_text(digest)


def _indexer(documents: Path, folder: Path) -> subprocess.Popen[str]:
    """Start Pagefind, from the documents to its files."""
    command = [sys.executable, "-m", "pagefind", "--site", str(documents), "--output-path", str(folder)]
    command += ["--force-language", "fr"]
    command += ["--glob", "**/*.html/*.html"]  # it would try for seconds to read a page's folder
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
