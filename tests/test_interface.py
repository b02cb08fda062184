"""The interface speaks French: in the built pages, and in what scripts add to them in a browser.

The detector does not rest on a list of forbidden words: it compares dictionaries of both languages
and knows every string that Sphinx and the themes can show in English.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pydata_sphinx_theme
import pytest
import simplemma
import sphinx
import sphinx_book_theme
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from bs4 import BeautifulSoup

from ssphub_book.sphinx import interface

CATALOGUES = (
    Path(sphinx.__file__).parent / "locale/fr/LC_MESSAGES/sphinx.mo",
    Path(pydata_sphinx_theme.__file__).parent / "locale/fr/LC_MESSAGES/sphinx.mo",
    Path(sphinx_book_theme.__file__).parent
    / "theme/sphinx_book_theme/static/locales/fr/LC_MESSAGES/booktheme.mo",
)
OURS = interface.THEME / "locale/fr/LC_MESSAGES/sphinx.po"
ENGLISH_WORDS = frozenset(
    re.findall(
        r"\w+",
        "the of and to with for this that is are was be by from at it its an or as not your you "
        "show hide toggle back home more please all no yes",
    )
)
FRENCH_WORDS = frozenset(
    re.findall(
        r"\w+",
        "le la les de du des un une et ou au aux dans sur pour par en ce cette ces est sont ne pas "
        "que qui se sa son ses vos votre nos notre à il elle on y visualisation",
    )
)
# Names and terms that the network uses as they are.
NEUTRAL = frozenset(
    re.findall(
        r"\w+",
        "git docker dockerfile spark python polars duckdb pandas github gitlab quiz index notebook "
        "data science ssp hub cloud insee kubernetes dask jupyter sql cran image service version "
        "cache tests csv parquet mit licence table tables code page pages note source "
        "option options fig big mars",
    )
)
WORD = re.compile(r"[^\W\d_]{2,}")
NOT_WORDS = re.compile(r"%\(?\w*\)?[srdx]|\{\{?.*?\}?\}|<[^>]+>|https?:\S+|\S+\.\w{2,4}\b|\S+_\S+")


def _pairs() -> dict[str, str]:
    pairs = {}
    for path in CATALOGUES:
        with path.open("rb") as file:
            messages = list(read_mo(file))
        pairs |= {m.id: m.string for m in messages if isinstance(m.id, str) and m.id and m.string}
    with OURS.open("rb") as file:
        pairs |= {m.id: m.string for m in read_po(file) if m.id}
    return pairs


def _plain(text: str) -> str:
    return re.sub(r"[\W\d_]+", " ", text).strip().casefold()


@functools.cache
def _known(word: str, language: str) -> bool:
    return simplemma.is_known(word, lang=language)


@functools.cache
def _messages() -> frozenset[str]:
    """English strings of Sphinx and the themes that are not French too."""
    pairs = _pairs()
    french = {_plain(text) for text in pairs.values()}
    return frozenset(
        plain
        for text in pairs
        if (plain := _plain(text)) and plain not in french and not set(plain.split()) <= NEUTRAL
        if set(plain.split()) & ENGLISH_WORDS or not all(_known(w, "fr") for w in plain.split())
    )


def english(text: str) -> bool:
    """Whether a reader would call this string, or a piece of it if it is short, English."""
    pieces = re.split(r"\s[-–—·|]\s", text) if len(text) < 60 else []
    return any(_english(piece) for piece in (text, *pieces))


def _english(text: str) -> bool:
    if _plain(text) in _messages():
        return True
    words = [w.casefold() for w in WORD.findall(NOT_WORDS.sub(" ", text))]
    words = [w for w in words if w not in NEUTRAL]
    if not words:
        return False
    in_english = in_french = 0
    for word in words:
        if word in ENGLISH_WORDS:
            in_english += 1
        elif word in FRENCH_WORDS:
            in_french += 1
        else:
            known = _known(word, "en"), _known(word, "fr")
            in_english += known == (True, False)
            in_french += known == (False, True)
    return in_english > in_french and in_english >= 0.3 * len(words)


# --- the detector itself ----------------------------------------------------------------------

STOCK = [
    "Toggle primary sidebar",
    "Toggle secondary sidebar",
    "Show code cell source",
    "Hide code cell source",
    "Show code cell output",
    "Toggle hidden content",
    "Skip to main content",
    "Search this book...",
    "Search...",
    "Copy",
    "Copied!",
    "Copy to clipboard",
    "By author",
    "previous page",
    "Light",
    "Dark",
    "Color mode",
    "System Settings",
    "Link to this heading",
    "Back to top",
    "Les cahiers du SSP Hub - Home",
    "On this page",
    "Download this page",
    "Table of contents",
    "Fullscreen mode",
    "Click to show",
    "100 rows × 3 columns",
]
FRENCH = [
    "Afficher le code",
    "Masquer la solution",
    "Aller au contenu",
    "Rechercher dans le livre",
    "Versionner son travail avec Git",
    "Spark, à bon escient",
    "Des graphiques lisibles",
    "Les cahiers du SSP Hub",
    "Notes",
    "Quiz",
    "Prérequis",
    "Fig. 3",
    "Sur cette page",
    "Textes sous Licence Ouverte 2.0, code sous licence MIT.",
    "Lien vers cette rubrique",
    "import pandas_as pd",
    "",
    "#",
]


@pytest.mark.parametrize("text", STOCK)
def test_detector_finds_the_stock_themes_english(text):
    assert english(text)


@pytest.mark.parametrize("text", FRENCH)
def test_detector_leaves_french_alone(text):
    assert not english(text)


def test_detector_on_every_string_of_sphinx_and_the_themes():
    pairs = {key: value for key, value in _pairs().items() if len(WORD.findall(key)) > 1}
    missed = [key for key in pairs if not english(key)]
    mistaken = [value for value in pairs.values() if english(value)]
    assert len(missed) <= 0.08 * len(pairs), missed
    assert len(mistaken) <= 0.04 * len(pairs), mistaken


def test_our_catalogue_is_whole():
    """Each string of the templates and of the card has its French, and none is left over."""
    with OURS.open("rb") as file:
        translated = {m.id for m in read_po(file) if m.id and m.string}
    sources = [*(interface.THEME / "templates").glob("*.html")]
    sources += Path(interface.__file__).parent.glob("*.py")
    used = set()
    for path in sources:
        used |= set(re.findall(r"""\b_\((['"])(.+?)\1\)""", path.read_text(encoding="utf-8")))
    used = {text for _quote, text in used}
    assert used - translated == set()
    assert translated - used == set()


# --- the built pages --------------------------------------------------------------------------

ATTRIBUTES = ("aria-label", "title", "alt", "placeholder", "aria-description", "data-tooltip")
# In the text of a chapter only the parts that the interface draws are looked at one by one.
PARTS = "summary, button, label, caption, figcaption, th, dt, h1, h2, h3, .admonition-title, legend"
FOREIGN = ".cell_output tbody, pre, code, script, style, math, svg, [lang=en], em, cite, template"


@pytest.fixture(scope="module")
def titles(site, soups) -> set[str]:
    """One- and two-word titles and names of columns: an author's, who may name a tool or a town."""
    short = set()
    for page in _pages(site):
        for tag in soups[page.relative_to(site).as_posix()].select("article :is(h1, h2, h3, th, dt)"):
            own = (s.strip() for s in tag.find_all(string=True) if not s.find_parent(class_="headerlink"))
            text = " ".join(filter(None, own))
            if len(WORD.findall(text)) <= 2:
                short.add(text)
    return short


def _pages(site: Path) -> list[Path]:
    """The pages of the book, without the entry that only sends to the welcome page."""
    pages = [p for p in sorted(site.rglob("*.html")) if p != site / "index.html"]
    pages = [p for p in pages if not any(part.startswith("_") for part in p.relative_to(site).parts)]
    assert pages
    return pages


def _strings(soup: BeautifulSoup):
    """(where, text) of each string of a page that the interface shows."""
    for tag in soup.select(FOREIGN + ", .headerlink"):
        tag.decompose()
    title = soup.find("title")
    yield "title", title.get_text() if title else ""
    for tag in soup.find_all(True):
        for name, value in tag.attrs.items():
            if name in ATTRIBUTES or name.startswith("data-label"):
                yield f"{tag.name}[{name}]", str(value)
        if tag.name == "dialog":
            for name, value in tag.attrs.items():
                if name.startswith("data-"):
                    yield f"dialog[{name}]", str(value)
    for tag in soup.select(f"article :is({PARTS}), .cell_output p, .cell_output summary"):
        yield tag.name, tag.get_text(" ", strip=True)
    for section in soup.select("#pour-aller-plus-loin"):
        section.decompose()  # references keep the title of their works
    for tag in soup.select("article p, article li"):
        text = re.sub(r"«.*?»", " ", tag.get_text(" ", strip=True))
        if len(WORD.findall(text)) >= 6:
            yield f"article {tag.name}", text
    if soup.body:
        for article in soup.body.find_all("article"):
            article.decompose()
        for text in soup.body.find_all(string=True):
            yield text.parent.name, str(text).strip()


def test_no_english_in_the_pages(site, titles):
    found = []
    for page in _pages(site):
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        found += [
            f"{page.relative_to(site)}: {where}: {text}"
            for where, text in _strings(soup)
            if text not in titles and english(text)
        ]
    assert not found, "\n".join(found)


def test_every_page_says_its_language_and_its_title(site, soups):
    titles = []
    for page in _pages(site):
        soup = soups[page.relative_to(site).as_posix()]
        assert soup.html["lang"] == "fr", page
        titles.append(soup.title.get_text().strip())
    assert len(set(titles)) == len(titles), titles


COLLECT = """() => {
  const found = [];
  const opaque = 'pre, code, script, style, math, em, cite, [lang=en], .recherche-resultats';
  for (const element of document.querySelectorAll('body *')) {
    if (element.closest(opaque)) continue;
    for (const name of ['aria-label', 'title', 'alt', 'placeholder', 'data-tooltip'])
      if (element.hasAttribute(name)) found.push([name, element.getAttribute(name)]);
    const interface_ = !element.closest('article') || element.closest('button, summary, label');
    if (!interface_) continue;
    for (const node of element.childNodes)
      if (node.nodeType === 3 && node.data.trim()) found.push([element.tagName, node.data.trim()]);
    for (const pseudo of ['::before', '::after']) {
      const content = getComputedStyle(element, pseudo).content;
      if (content.startsWith('"')) found.push([pseudo, content.slice(1, -1)]);
    }
  }
  return found;
}"""


def _chapter(site: Path) -> str:
    pages = sorted((site / "notebooks").rglob("*.html"))
    return pages[0].relative_to(site).as_posix()


@pytest.mark.parametrize("width", [320, 1400])
def test_no_english_added_by_scripts(site, site_url, browser, titles, width):
    found, errors, requests = [], [], []
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="fr-FR")
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("request", lambda request: requests.append(request.url))

    def look(where: str) -> None:
        strings = [text for _kind, text in page.evaluate(COLLECT)]
        assert strings
        strings = [text for text in strings if text not in titles]
        found.extend(f"{name} {where}: {text}" for text in strings if english(text))

    for name in ("book/index.html", _chapter(site), "search.html", "search.html?q=donn%C3%A9es"):
        page.goto(f"{site_url}/{name}")
        page.wait_for_timeout(400)
        look("as it opens")
        for _ in range(3):
            page.click(".theme-bouton")
            look("after a change of theme")
        if page.locator(".menu-bouton").is_visible():
            page.click(".menu-bouton")
            look("with its menu")
        page.locator("article details").evaluate_all("all => all.forEach(d => d.open = true)")
        page.click("header .search-button__button")
        page.keyboard.type("donnees zzzz")
        page.wait_for_timeout(400)
        look("with its search")
        page.keyboard.press("Escape")
    context.close()
    assert not found, "\n".join(sorted(set(found)))
    assert not errors, errors
    assert [r for r in requests if not r.startswith((site_url, "data:", "blob:"))] == []


def test_no_page_is_wider_than_a_small_screen(site, site_url, browser):
    context = browser.new_context(viewport={"width": 320, "height": 640})
    page = context.new_page()
    wide = []
    for path in _pages(site):
        name = path.relative_to(site).as_posix()
        page.goto(f"{site_url}/{name}")
        if page.evaluate("document.documentElement.scrollWidth") > 320:
            wide.append(name)
    context.close()
    assert not wide


def test_theme_menu_and_focus(site, site_url, browser):
    context = browser.new_context(viewport={"width": 320, "height": 640}, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{site_url}/{_chapter(site)}")
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "dark"
    page.click(".theme-bouton")
    assert page.evaluate(theme) == "light"
    page.reload()
    assert page.evaluate(theme) == "light"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(253, 251, 247)"
    menu = page.locator(".menu-bouton")
    assert menu.get_attribute("aria-expanded") == "false"
    menu.click()
    assert menu.get_attribute("aria-expanded") == "true"
    assert page.locator("nav.menu a[aria-current=page]").is_visible()
    page.keyboard.press("Escape")
    assert menu.get_attribute("aria-expanded") == "false"
    page.reload()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "evitement"
    assert page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2
    context.close()


def test_pieces_of_the_body_are_mended():
    summary = '<summary aria-label="Toggle hidden content"><p class="a">Voir</p></summary><p>Texte</p>'
    assert interface.clean_body(summary) == '<summary><span class="a">Voir</span></summary><p>Texte</p>'
    arrow = '<span class="sd-summary-state-marker x"><svg></svg></span></summary>'
    assert interface.clean_body(arrow) == "</summary>"


def test_images_have_their_size():
    sizes = {"a b.png": (4, 3)}.get
    sized = interface.size_images('<img alt="x" src="../_images/a%20b.png" />', sizes)
    assert sized == '<img width="4" height="3" alt="x" src="../_images/a%20b.png" />'
    for left in ('<img src="_images/other.png" />', '<img width="9" src="_images/a%20b.png" />'):
        assert interface.size_images(left, sizes) == left


def test_the_menu_shows_the_pages_under_the_current_one(soups):
    """And those beside it where it is itself under another; elsewhere they stay folded away."""
    under = "book/contribuer/regles/code.html"
    for name, shown in [("book/contribuer/regles.html", True), (under, True), ("book/index.html", False)]:
        menu = soups[name].select_one("nav.menu")
        links = [a for a in menu.select("li li a") if a.get_text() == "Les règles du code"]
        assert bool(links) is shown, name
        current = menu.select('a[aria-current="page"]')
        assert len(current) == (name != "book/index.html")
        assert all(a.find_parent("details").has_attr("open") for a in current)
