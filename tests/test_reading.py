"""Reading paths, lists of chapters, definitions of terms, reports."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

from ssphub_book import chapters
from ssphub_book.sphinx import bibliography, glossary, reading, reporting
from tests.conftest import ROOT

BOOK = {chapter.name: chapter for chapter in chapters.find(ROOT)}
PATHS = yaml.safe_load((ROOT / reading.PATHS).read_text(encoding="utf-8"))


def test_the_welcome_page_lists_every_chapter_once(soups):
    links = [a["href"] for a in soups["book/index.html"].select(".chapitres-liste a")]
    assert sorted(links) == sorted(f"../notebooks/{name}.html" for name in BOOK)


def test_every_path_is_on_its_page_in_order(soups):
    page = soups["book/decouvrir/parcours.html"]
    for key, path in PATHS.items():
        links = [a["href"] for a in page.select(f"#{key} .parcours a")]
        assert links == [f"../../notebooks/{step['chapitre']}.html" for step in path["etapes"]]


def test_every_chapter_belongs_to_a_path():
    steps = {step["chapitre"] for path in PATHS.values() for step in path["etapes"]}
    assert steps == set(BOOK)


def test_three_ways_in_need_no_scroll(site_url, browser):
    for width, height in ((1280, 720), (390, 844)):
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(f"{site_url}/book/index.html")
        boxes = [link.bounding_box() for link in page.locator(".entree a").all()]
        page.close()
        assert len(boxes) == 3
        assert all(box["y"] + box["height"] <= height for box in boxes), boxes


def test_a_link_to_a_term_carries_its_definition():
    body = '<a class="reference internal" href="../g.html#term-Lemme">lemme</a>'
    with_it = glossary.add_definitions(body, {"term-Lemme": "Forme d'un « mot »."})
    link = BeautifulSoup(with_it, "html.parser").a
    assert link["data-definition"] == "Forme d'un « mot »."
    assert "terme" in link["class"]
    assert glossary.add_definitions(body, {}) == body


@pytest.fixture(scope="module")
def term_page(site) -> str:
    """A page of the book that links a term."""
    pages = [p for p in site.rglob("notebooks/**/*.html") if "data-definition=" in p.read_text("utf-8")]
    assert pages
    return sorted(pages)[0].relative_to(site).as_posix()


def test_every_chapter_links_terms_of_the_glossary(soups):
    for name in BOOK:
        links = soups[f"notebooks/{name}.html"].select("a.terme[data-definition]")
        assert links, name
        assert all(len(link["data-definition"]) > 20 for link in links)


@pytest.mark.parametrize("width", [320, 1280])
def test_a_definition_opens_on_focus_and_hover_and_escape_closes_it(site_url, browser, term_page, width):
    page = browser.new_page(viewport={"width": width, "height": 700})
    page.goto(f"{site_url}/{term_page}")
    link = page.locator("a.terme[data-definition]").first
    bubble = page.locator("[role=tooltip]")
    link.scroll_into_view_if_needed()
    link.focus()
    assert bubble.inner_text() == link.get_attribute("data-definition")
    assert link.get_attribute("aria-describedby") == bubble.get_attribute("id")
    box = bubble.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("Escape")
    assert bubble.count() == 0
    assert link.get_attribute("aria-describedby") is None
    link.blur()
    link.hover()
    bubble.hover()
    page.wait_for_timeout(400)
    assert bubble.count() == 1, "a definition stays while the pointer is on it"
    page.keyboard.press("Escape")
    assert bubble.count() == 0
    page.close()


def test_a_report_is_filled_in():
    address = reporting.report_address("https://example.org/livre/", "notebooks/a/b", "Un titre")
    query = parse_qs(urlsplit(address).query)
    assert address.startswith("https://example.org/livre/issues/new?")
    assert "Un titre" in query["title"][0]
    assert "notebooks/a/b.md" in query["body"][0]


def test_every_page_of_the_book_offers_to_report_a_mistake(site, soups):
    for page in site.rglob("notebooks/**/*.html"):
        link = soups[page.relative_to(site).as_posix()].select_one(".signaler a")
        name = page.relative_to(site).with_suffix(".md").as_posix()
        assert name in parse_qs(urlsplit(link["href"]).query)["body"][0]


def test_a_term_is_counted_with_its_plural_and_a_link_counts_more():
    text = "un {term}`graine` ou des graines, jamais grainetier ; {term}`les graines <graine>`"
    assert glossary.mentions(text, "graine") == 4 + 2 * glossary.LINKED
    assert glossary.mentions(text, "noyau") == 0


def test_the_glossary_holds_its_terms_and_leads_to_the_chapters(soups):
    page = soups["book/annexes/glossaire.html"]
    terms = page.select("dl.glossary > dt")
    assert len(terms) >= 120
    told = {
        term.get_text().removesuffix("#"): [
            link["href"] for link in term.find_next_sibling("dd").select(".terme-chapitres a")
        ]
        for term in terms
    }
    assert told["commit"][0] == "../../notebooks/pratiques/git.html"
    assert all(len(links) <= glossary.CHAPTERS for links in told.values())
    assert sum(bool(links) for links in told.values()) > len(told) / 2


def test_the_bibliography_repeats_what_each_chapter_cites(soups):
    page = soups["book/annexes/bibliographie.html"]
    for name in BOOK:
        cited = bibliography.works(BOOK[name])
        section = page.find(id=name.replace("/", "-"))
        assert (section is not None) == bool(cited), name
        if section:
            assert len(section.select("li")) == len(cited)
            assert section.select_one("h2 a")["href"] == f"../../notebooks/{name}.html"
    assert "Rubin" in page.find(id="apprentissage-imputation").get_text()
    assert "rec99" not in page.get_text()
