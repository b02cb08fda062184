"""What programs read in the head of each page, on the built site and on a small book under Git."""

from __future__ import annotations

import json
import struct
import sys
import warnings
from datetime import datetime
from pathlib import Path

import matplotlib.image
import pytest
from bs4 import BeautifulSoup

from ssphub_book import cards, chapters, contract, history, settings
from ssphub_book.sphinx import metadata
from tests.conftest import ROOT, sphinx_build
from tests.test_history import commit, git

BOOK = {f"{chapters.NOTEBOOKS}/{c.name}": c for c in chapters.find(ROOT)}
NAMES = sorted(contract.table_of_contents(ROOT))
SETTINGS = settings.read(ROOT)
WELCOME = "book/index"
PROPERTIES = (
    "og:title",
    "og:description",
    "og:type",
    "og:url",
    "og:site_name",
    "og:image",
    "og:image:alt",
)


@pytest.fixture(scope="module")
def heads(site) -> dict[str, BeautifulSoup]:
    return {name: read(site / f"{name}.html") for name in NAMES}


def read(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8").partition("</head>")[0], "html.parser")


def said(head: BeautifulSoup, key: str) -> str:
    tag = head.find("meta", property=key) or head.find("meta", attrs={"name": key})
    return tag["content"] if tag else ""


def data(head: BeautifulSoup) -> dict:
    return json.loads(head.find("script", type="application/ld+json").string)


def faults(head: BeautifulSoup) -> list[str]:
    """What a head lacks, whichever page it is of."""
    found = [key for key in (*PROPERTIES, "description") if not said(head, key).strip()]
    if said(head, "og:locale") != "fr_FR":
        found.append("og:locale")
    canonical = head.find_all("link", rel="canonical")
    if [link["href"] for link in canonical] != [said(head, "og:url")]:
        found.append("canonical")
    if said(head, "description") != said(head, "og:description"):
        found.append("two descriptions")
    if not head.find("link", rel="alternate", type="application/atom+xml"):
        found.append("feed")
    if not head.find("script", type="application/ld+json"):
        found.append("structured data")
    return found


def test_every_page_has_each_item(heads):
    assert {name: faults(head) for name, head in heads.items() if faults(head)} == {}


def test_the_checker_sees_what_is_missing(heads):
    for css, fault in (
        ('meta[property="og:image:alt"]', "og:image:alt"),
        ('meta[name="description"]', "description"),
        ('link[rel="canonical"]', "canonical"),
        ('link[rel="alternate"]', "feed"),
        ('script[type="application/ld+json"]', "structured data"),
    ):
        head = BeautifulSoup(str(heads[WELCOME]), "html.parser")
        for tag in head.select(css):
            tag.decompose()
        assert fault in faults(head)


def test_descriptions_titles_and_addresses_are_unique(heads):
    for key in ("og:title", "og:description", "og:url"):
        values = [said(head, key) for head in heads.values()]
        assert len(set(values)) == len(NAMES), values
    for name, head in heads.items():
        assert said(head, "og:url") == f"{SETTINGS.address}{name}.html"
        assert len(said(head, "description")) <= metadata.DESCRIPTION_LENGTH + 1, name


def test_every_image_is_there_with_its_size(site, heads):
    images = set()
    for name, head in heads.items():
        file = site / said(head, "og:image").removeprefix(SETTINGS.address)
        size = struct.unpack(">II", file.read_bytes()[16:24])
        assert size == (int(said(head, "og:image:width")), int(said(head, "og:image:height"))), name
        assert said(head, "og:title") in said(head, "og:image:alt")
        images.add(file)
    assert set((site / metadata.CARDS).iterdir()) == images


def overflows(card: Path) -> bool:
    """Whether anything is drawn in the last pixels on the right."""
    picture = matplotlib.image.imread(card)
    return bool((picture[:, -16:] != picture[0, -1]).any())


def test_words_stay_within_their_card(site, tmp_path):
    found = list((site / metadata.CARDS).iterdir())
    assert [card.name for card in found if overflows(card)] == []
    cards.draw(tmp_path / "wide.png", "Livre", "M" * 30, "Texte")
    assert overflows(tmp_path / "wide.png")


def test_structured_data_of_chapters(heads):
    assert BOOK
    for name, chapter in BOOK.items():
        about = data(heads[name])
        assert about["@type"] == "LearningResource"
        assert about["educationalLevel"] == chapter.front["niveau"]
        assert about["timeRequired"] == f"PT{chapter.front['duree']}M"
        assert len(about["teaches"]) == len(chapter.front["objectifs"])
        assert about["inLanguage"] == "fr"
        assert about["license"].startswith("https://")
        assert about["isPartOf"]["@type"] == "Book"
        assert about["url"] == said(heads[name], "og:url")


def test_structured_data_of_other_pages(heads):
    graph = data(heads[WELCOME])["@graph"]
    assert [part["@type"] for part in graph] == ["WebSite", "Book"]
    identifier = graph[1]["@id"]
    others = set(NAMES) - set(BOOK) - {WELCOME}
    assert others
    for name in others:
        assert data(heads[name])["@type"] == "WebPage"
    for name in set(NAMES) - {WELCOME}:
        assert data(heads[name])["isPartOf"]["@id"] == identifier


def test_dates_are_those_of_git(heads):
    """In a shallow clone, or without Git, dates are missing: those that are known are shown."""
    known = history.dates(ROOT)
    for name, head in heads.items():
        dates = known.get(f"{name}.md")
        modified = said(head, "article:modified_time")
        assert bool(modified) == bool(dates), name
        if dates:
            assert datetime.fromisoformat(modified) >= dates.last
            assert modified in head.find("script", type="application/ld+json").string
            assert said(head, "article:published_time") == (dates.first.isoformat() if dates.first else "")


def test_the_sites_address_says_what_the_welcome_page_says(site, heads):
    entry = read(site / "index.html")
    assert faults(entry) == []
    assert said(entry, "og:url") == said(heads[WELCOME], "og:url")


def test_pages_without_content_ask_not_to_be_listed(site, heads):
    assert said(read(site / "search.html"), "robots") == "noindex"
    assert said(read(site / "404.html"), "robots") == "noindex"
    assert not any(said(head, "robots") for head in heads.values())


def test_structured_data_are_no_script_to_a_strict_policy(site, browser):
    """Chromium runs nothing of a data block, and refuses a real inline script next to it."""
    html = (site / f"{NAMES[-1]}.html").read_text(encoding="utf-8")

    def violations(text: str) -> list[str]:
        found: list[str] = []
        context = browser.new_context()
        page = context.new_page()
        page.on("console", lambda message: found.append(message.text))
        headers = {
            "Content-Security-Policy": "default-src 'self'",
            "Content-Type": "text/html; charset=utf-8",
        }
        page.route("**/page.html", lambda route: route.fulfill(body=text, headers=headers))
        page.route("**/_static/**", lambda route: route.fulfill(body=""))
        page.goto("http://livre.test/page.html")
        assert page.evaluate("document.querySelectorAll('script[type=\"application/ld+json\"]').length") == 1
        context.close()
        return [text for text in found if "Content Security Policy" in text]

    assert violations(html) == []
    # refused twice: by the header here, and by the policy that the page itself declares
    assert len(violations(html.replace("<body>", "<body><script>1</script>"))) == 2


# --- a small book ------------------------------------------------------------------------------

CONF = """
from ssphub_book.sphinx import metadata
extensions = ['myst_parser', 'notfound.extension', 'ssphub_book.sphinx.typography']
extensions += ['ssphub_book.sphinx.header', 'ssphub_book.sphinx.metadata']
language = 'fr'
project = 'Petit livre'
author = 'Essai'
smartquotes = False
html_theme = 'basic'
html_baseurl = 'https://example.org/livre'
exclude_patterns = ['_build']

def show(app, pagename, templatename, context, doctree):
    context['metatags'] += '<meta name="seen" content="%s" />' % context.get('last_change', '')

def setup(app):
    app.connect('html-page-context', show, priority=999)
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    root = tmp_path / "livre"
    root.mkdir()
    (root / "conf.py").write_text(CONF)
    git(root, "init", "-q")
    commit(
        root, 1, index="# Accueil\n\nBienvenue à l'accueil.\n\n```{toctree}\na\nb\n```\n", a="# A\n\nTexte.\n"
    )
    commit(root, 2, b='# B < & "c"\n\nTexte de b.\n')
    return root


def build(root: Path) -> Path:
    out = root / "_build/html"
    app = sphinx_build(root, out, warning=sys.stderr, warningiserror=True)
    assert app.statuscode == 0
    return out


def seen(out: Path, name: str) -> str:
    return said(read(out / f"{name}.html"), "seen")


def test_the_date_of_the_last_change_is_a_french_date(small):
    out = build(small)
    assert seen(out, "a") == "1er novembre 2026"
    assert seen(out, "b") == "2 novembre 2026"


def test_a_commit_refreshes_the_dates_of_its_pages_and_of_no_other(small):
    out = build(small)
    (small / "a.md").write_text("# A\n\nTexte neuf.\n")
    build(small)
    assert seen(out, "a") == "1er novembre 2026"
    untouched = (out / "b.html").stat().st_mtime_ns
    commit(small, 7)
    build(small)
    assert seen(out, "a") == "7 novembre 2026"
    assert (out / "b.html").stat().st_mtime_ns == untouched


def test_shallow_clones_new_files_and_missing_git_only_lack_dates(small, tmp_path, monkeypatch):
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth", "1", small.as_uri(), str(clone))
    (clone / "neuf.md").write_text("---\norphan: true\n---\n# Neuf\n\nUn fichier neuf.\n")
    out = build(clone)
    for name in ("a", "b", "neuf"):
        head = read(out / f"{name}.html")
        assert seen(out, name) == ""
        assert faults(head) == []
        assert not said(head, "article:modified_time")
    monkeypatch.setenv("PATH", "")
    assert seen(build(small), "a") == ""


def test_words_are_escaped(small):
    head = read(build(small) / "b.html")
    assert said(head, "og:title") == data(head)["name"] == "B < & «\u00a0c\u00a0»"


def test_data_cannot_close_the_script(small):
    (small / "a.md").write_text("---\ndescription: un </script> dedans\n---\n# A\n\nTexte.\n")
    head = read(build(small) / "a.html")
    assert data(head)["description"] == "un </script> dedans"


def test_the_first_paragraph_describes_a_page_that_says_nothing(small):
    out = build(small)
    assert said(read(out / "a.html"), "description") == "Texte."
    assert said(read(out / "index.html"), "description") == "Bienvenue à l’accueil."


def test_a_card_follows_its_words(small):
    out = build(small)
    before = {path.name for path in (out / metadata.CARDS).iterdir()}
    (small / "a.md").write_text("# Autre titre\n\nTexte.\n")
    build(small)
    after = {path.name for path in (out / metadata.CARDS).iterdir()}
    assert len(before) == len(after) == 3
    assert len(before & after) == 2


def test_a_book_without_an_address_still_says_its_dates(small):
    (small / "conf.py").write_text(CONF.replace("html_baseurl", "unused"))
    out = build(small)
    head = read(out / "a.html")
    assert seen(out, "a") == "1er novembre 2026"
    assert not said(head, "og:url")
    assert not (out / metadata.CARDS).exists()


def test_long_descriptions_are_cut_between_words():
    assert metadata.shorten("court") == "court"
    text = metadata.shorten("mot " * 200)
    assert text.endswith("mot…")
    assert len(text) <= metadata.DESCRIPTION_LENGTH + 1


def test_cards_draw_french_and_give_the_same_bytes(tmp_path):
    words = ("Le livre", "Œuvre d’été : « ça »\u202f?", "Où, naïf $x$ ? " + "très long " * 60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Matplotlib warns of a character that its font lacks
        cards.draw(tmp_path / "a.png", *words)
        cards.draw(tmp_path / "b.png", *words)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_cards_are_named_after_their_words():
    assert cards.name("a/b", "x", "y") == cards.name("a/b", "x", "y") != cards.name("a/b", "xy", "")


def test_the_alternative_text_says_each_line_once():
    assert cards.alternative("Livre", "Livre", "Pourquoi ?") == "Livre. Pourquoi ?"
