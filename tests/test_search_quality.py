"""How well, how light and how fast the search answers, measured through its dialog in Chromium.

The queries are in search_queries.yml. Each target holds on the half that served to tune the search and
on the half that did not.
"""

from __future__ import annotations

import gzip
import http.server
import random
import re
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from ssphub_book import contract, search, settings
from tests.conftest import ROOT

HALVES = ("tuned", "kept")
# Bytes, compressed: engine and words (132 kB), files of the index (32 kB each), excerpts.
FIRST_QUERY = 250_000  # three files
HEAVIEST_QUERY = 300_000  # five files: several words, which the book says in others
LATER_QUERY = 100  # milliseconds from the last key to the results
START = "book/index.html"
PREFIX = re.escape(urlsplit(settings.read(ROOT).address).path.rstrip("/"))

# Types a query, waits for the state to speak, and returns what the dialog shows.
TYPE = """async (queries) => {
  const input = document.querySelector("#pst-search-dialog input");
  const state = document.querySelector(".recherche-etat");
  const addresses = (where) => [...document.querySelectorAll(where)].map((link) => link.href);
  const answers = [];
  for (const query of queries) {
    state.textContent = "";
    input.value = query;
    const start = performance.now();
    input.dispatchEvent(new Event("input", { bubbles: true }));
    const late = () => performance.now() - start > 10000;
    while (!state.textContent && !late()) await new Promise((next) => setTimeout(next, 1));
    answers.push({
      milliseconds: performance.now() - start,
      state: state.textContent,
      links: addresses(".recherche-resultats > li:not(.du-reseau) a"),
      entries: addresses(".du-reseau a"),
      kinds: [...document.querySelectorAll(".du-reseau .genre")].map((kind) => kind.textContent),
      advice: document.querySelectorAll(".recherche-conseils a").length,
    });
  }
  return answers;
}"""


@dataclass(frozen=True)
class Query:
    kind: str
    half: str
    text: str
    pages: frozenset[str]
    accented: str = ""


def read_queries() -> list[Query]:
    """The queries of the file; a page that the book has not yet answers none."""
    kinds = yaml.safe_load((ROOT / "tests/search_queries.yml").read_text(encoding="utf-8"))
    names = kinds.pop("pages")
    written = set(contract.table_of_contents(ROOT))
    queries = []
    for kind, lines in kinds.items():
        for place, (text, *expected) in enumerate(lines):
            accented = expected.pop(0) if kind == "unaccented" else ""
            pages = frozenset(names[name] for name in expected) & written
            if pages or kind == "none":
                queries.append(Query(kind, HALVES[place % 2], text, pages, accented))
    return queries


QUERIES = read_queries()


@contextmanager
def compressed(site: Path) -> Iterator[tuple[str, list[int]]]:
    """The site on loopback, text compressed as a host would; its address and the sizes of its answers."""
    sizes: list[int] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            path = Path(self.translate_path(self.path))
            if not path.is_file():
                return self.send_error(404)
            body = path.read_bytes()
            text = path.suffix in {".html", ".css", ".js", ".json", ".svg"}
            body = gzip.compress(body, 6) if text else body
            sizes.append(len(body))
            self.send_response(200)
            self.send_header("Content-Type", self.guess_type(str(path)))
            self.send_header("Content-Length", str(len(body)))
            if text:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", sizes
    server.shutdown()
    server.server_close()


@contextmanager
def dialog(browser, address: str) -> Iterator[Callable[[list[str]], list[dict]]]:
    """The search dialog of a page just visited, as a function from queries to answers."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/{START}", wait_until="networkidle")
    page.keyboard.press("Control+k")
    yield lambda queries: page.evaluate(TYPE, queries)
    context.close()


def pages_of(answer: dict) -> list[str]:
    """The pages of an answer, in the order in which they are shown."""
    paths = [re.sub(rf"^https?://[^/]+(?:{PREFIX})?/|\.html.*$", "", link) for link in answer["links"]]
    return list(dict.fromkeys(paths))


def rate(queries: list[Query], answers: dict[str, dict], first: int) -> float:
    """Share of the queries that have a right page among the `first` shown."""
    hits = [bool(query.pages & set(pages_of(answers[query.text])[:first])) for query in queries]
    return sum(hits) / len(hits)


def of(half: str, *kinds: str) -> list[Query]:
    return [q for q in QUERIES if q.half == half and (q.kind in kinds or not kinds) and q.kind != "none"]


@pytest.fixture(scope="module")
def answers(browser, site_url) -> dict[str, dict]:
    """What the dialog shows for every query."""
    texts = list(dict.fromkeys(text for q in QUERIES for text in (q.text, q.accented) if text))
    with dialog(browser, site_url) as ask:
        return dict(zip(texts, ask(texts), strict=True))


def test_the_queries_cover_each_kind_in_both_halves():
    assert len(QUERIES) >= 130
    kinds = Counter((q.half, q.kind) for q in QUERIES)
    assert {kind for _, kind in kinds} == {
        *("exact", "unaccented", "plural", "elided", "misspelt", "synonym", "english", "question", "none")
    }
    assert min(kinds.values()) >= 3, kinds


def test_a_rate_counts_the_right_pages_only():
    right = Query("exact", "tuned", "a", frozenset({"p/un"}))
    shown = {"links": ["http://h/p/deux.html#x", "http://h/p/deux.html#y", "http://h/p/un.html#z"]}
    assert rate([right], {"a": shown}, 1) == 0
    assert rate([right], {"a": shown}, 2) == 1
    assert rate([right, replace(right, text="b")], {"a": shown, "b": {"links": []}}, 3) == 0.5


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize(("first", "least"), [(1, 0.85), (3, 0.95)])
def test_queries_find_their_page(answers, half, first, least):
    missed = [q.text for q in of(half) if not rate([q], answers, first)]
    assert rate(of(half), answers, first) >= least, missed


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("kind", ["misspelt", "synonym", "english"])
def test_hard_kinds_find_their_page_among_three(answers, half, kind):
    missed = [q.text for q in of(half, kind) if not rate([q], answers, 3)]
    assert rate(of(half, kind), answers, 3) >= 0.8, missed


@pytest.mark.parametrize("half", HALVES)
def test_accents_change_nothing(answers, half):
    queries = of(half, "unaccented")
    accented = [replace(q, text=q.accented) for q in queries]
    for first in (1, 3):
        assert rate(queries, answers, first) == rate(accented, answers, first)


@pytest.mark.parametrize("half", HALVES)
def test_nonsense_finds_nothing_and_is_offered_a_way(answers, half):
    for query in (q for q in QUERIES if q.kind == "none" and q.half == half):
        answer = answers[query.text]
        assert not answer["links"], (query.text, answer)
        assert answer["state"].startswith("Aucune page"), (query.text, answer)
        assert answer["advice"] >= 3, query.text


def test_the_state_announces_the_pages_listed(answers):
    words = {"Une page": 1, "La page": 1, "Aucune page": 0}
    for text, answer in answers.items():
        number = re.search(r"\d+", answer["state"].split(".")[0])
        said = int(number[0]) if number else words[" ".join(answer["state"].split()[:2])]
        assert said == len(pages_of(answer)), (text, answer)


def first_query(browser, site: Path, query: str) -> int:
    """Bytes fetched from the opening of the dialog to the answer of a first query."""
    with compressed(site) as (address, sizes):
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{address}/{START}", wait_until="networkidle")
        before = sum(sizes)
        page.keyboard.press("Control+k")
        page.evaluate(TYPE, [query])
        while True:  # the engine may still be on its way after a query that it was not asked
            answered = len(sizes)
            page.wait_for_timeout(700)
            if len(sizes) == answered:
                break
        context.close()
        return sum(sizes) - before


LONG = max((q.text for q in QUERIES if q.kind == "question"), key=len)


def test_a_chapter_and_the_trainings_of_a_subject_are_found_and_told_apart(browser, site):
    with compressed(site) as (address, _), dialog(browser, address) as ask:
        [answer] = ask(["formation Git"])
    assert pages_of(answer)[0] == "notebooks/pratiques/git"
    assert "formation" in answer["kinds"]
    assert any(link.endswith("ressources.html#ressources-formation-git-r") for link in answer["entries"])
    assert "entrées du réseau" in answer["state"]


@pytest.mark.parametrize("query", ["conteneur", "règles de confidentialité", LONG, "zzxqwv"])
def test_a_first_query_is_light(browser, site, query):
    fetched = first_query(browser, site, query)
    assert 80_000 < fetched <= FIRST_QUERY  # below, the engine itself would be missing from the count


@pytest.mark.long
def test_every_first_query_is_light(browser, site):
    heaviest = max((first_query(browser, site, query.text), query.text) for query in QUERIES)
    assert heaviest[0] <= HEAVIEST_QUERY, heaviest


def later_queries(ask: Callable[[list[str]], list[dict]], queries: list[str]) -> list[float]:
    """Milliseconds of each query once the index is there: the best of three, the machine being shared."""
    ask(queries)
    turns = [[answer["milliseconds"] for answer in ask(queries)] for _ in range(3)]
    return sorted(map(min, zip(*turns, strict=True)))


def test_later_queries_are_fast(browser, site_url):
    queries = [query.text for query in QUERIES][::12]
    with dialog(browser, site_url) as ask:
        assert later_queries(ask, queries)[-1] <= LATER_QUERY


def grown(book: list[search.Record], pages: int, seed: int) -> list[search.Record]:
    """A book of so many pages: chapters drawn from the real ones, sections and sentences shuffled.

    The vocabulary grows too: in each page, some words become new ones.
    """
    draw = random.Random(seed)
    chapters: dict[str, list[search.Record]] = {}
    for record in book:
        chapters.setdefault(record.page, []).append(record)
    originals = [records for records in chapters.values() if len(records) > 10]
    words = sorted({word for record in book for word in record.words if len(word) > 5})
    made = []
    for number in range(pages):
        renamed = {
            word: f"{word}{draw.choice('aeiou')}{draw.choice('lmnrst')}" for word in draw.sample(words, 60)
        }
        made += [_altered(record, number, renamed, draw) for record in draw.choice(originals)]
    return made


def _altered(
    record: search.Record, number: int, renamed: dict[str, str], draw: random.Random
) -> search.Record:
    sentences = record.body.split(". ")
    draw.shuffle(sentences)
    body = re.sub(r"\w+", lambda word: renamed.get(search.fold(word[0]), word[0]), ". ".join(sentences))
    return replace(record, page=f"{number}/{record.page}", body=body)


def cost(browser, site: Path, book: list[search.Record], folder: Path, pages: int) -> dict[str, float]:
    """What the search of a book of so many pages weighs, fetches and takes."""
    shutil.copytree(site, folder, ignore=shutil.ignore_patterns(search.FOLDER))
    records = grown(book, pages, seed=pages)
    search.write(records, folder / search.FOLDER, folder.with_name(f"{folder.name}-documents"))
    sizes = {f: f.stat().st_size for f in (folder / search.FOLDER).rglob("*") if f.is_file()}
    queries = ["conteneur", "intervalle de confiance", LONG]
    fetched = [first_query(browser, folder, query) for query in queries]
    with compressed(folder) as (address, _), dialog(browser, address) as ask:
        times = later_queries(ask, queries)
    return {
        "pages": pages,
        "sections": len(records),
        "index_bytes": sum(sizes.values()),
        "words_bytes": len(gzip.compress((folder / search.FOLDER / search.WORDS).read_bytes(), 6)),
        **{f"first_bytes {query}": size for query, size in zip(queries, fetched, strict=True)},
        "later_ms_max": times[-1],
    }


@pytest.fixture(scope="module")
def book(site: Path) -> list[search.Record]:
    """The records of the real book."""
    pages = sorted(site.rglob("*.html"))
    names = [page.relative_to(site).as_posix() for page in pages]
    texts = [page.read_text(encoding="utf-8") for page in pages]
    return [
        record for name, text in zip(names, texts, strict=True) for record in search.records(name, text, [])
    ]


def test_a_grown_book_is_another_one_each_page_and_the_same_each_time(book):
    once = grown(book, 3, seed=1)
    assert once == grown(book, 3, seed=1)
    assert len({record.page.split("/")[0] for record in once}) == 3
    assert {w for r in once for w in r.words} - {w for r in book for w in r.words}


@pytest.mark.long
@pytest.mark.parametrize("pages", [10, 100, 1000])
def test_the_cost_of_a_larger_book(browser, site, book, tmp_path, pages, record_property):
    measured = cost(browser, site, book, tmp_path / "site", pages)
    for name, value in measured.items():
        record_property(name, value)
    print(measured)
    assert measured["index_bytes"] <= 30_000 * pages + 500_000
    assert measured["first_bytes conteneur"] <= (2 * FIRST_QUERY if pages > 100 else FIRST_QUERY)
