"""Search in the built site: unit tests of what the index reads, then real queries in Chromium."""

from __future__ import annotations

import pytest

from ssphub_book import chapters, search
from tests.conftest import ROOT

PAGE = """<html><body><main><article><section id="t"><h1>Titre<a class="headerlink">#</a></h1>
<p>L’évaluation d’un modèle.</p><section id="partie"><h2>Partie</h2><p>Texte.</p></section>
<div class="cell_input"><pre>x</pre></div></section></article></main></body></html>"""

CHARTS, TEXT, IMPUTATION, GIT, DOCKER, SPARK = (
    "visualisation/graphiques-lisibles",
    "apprentissage/texte-classer",
    "apprentissage/imputation",
    "pratiques/git",
    "pratiques/docker",
    "donnees-massives/spark",
)
# Written before the index was tuned. Kind, what a reader types, the chapter that answers.
QUERIES = [
    ("exact", "non-réponse", IMPUTATION),
    ("exact", "imputation multiple", IMPUTATION),
    ("exact", "règles de Rubin", IMPUTATION),
    ("exact", "plus proches voisins", IMPUTATION),
    ("exact", "conflit de fusion", GIT),
    ("exact", "branche", GIT),
    ("exact", "dépôt distant", GIT),
    ("exact", "image de base", DOCKER),
    ("exact", "conteneur", DOCKER),
    ("exact", "Dockerfile", DOCKER),
    ("exact", "partition", SPARK),
    ("exact", "jointure", SPARK),
    ("exact", "évaluation paresseuse", SPARK),
    ("exact", "TF-IDF", TEXT),
    ("exact", "lemmes", TEXT),
    ("exact", "petits multiples", CHARTS),
    ("exact", "couleur", CHARTS),
    ("exact", "axe tronqué", CHARTS),
    ("unaccented", "non-reponse", IMPUTATION),
    ("unaccented", "regles de rubin", IMPUTATION),
    ("unaccented", "depot distant", GIT),
    ("unaccented", "evaluation paresseuse", SPARK),
    ("unaccented", "donnees manquantes", IMPUTATION),
    ("unaccented", "legende", CHARTS),
    ("unaccented", "theme", TEXT),
    ("plural", "imputations", IMPUTATION),
    ("plural", "branches", GIT),
    ("plural", "conteneurs", DOCKER),
    ("plural", "jointures", SPARK),
    ("plural", "graphiques", CHARTS),
    ("plural", "textes", TEXT),
    ("elided", "l'imputation", IMPUTATION),
    ("elided", "l’historique", GIT),
    ("elided", "d'une image", DOCKER),
    ("elided", "l'axe", CHARTS),
    ("typo", "imputaton", IMPUTATION),
    ("typo", "dockerfil", DOCKER),
    ("typo", "conteneurr", DOCKER),
    ("typo", "graphque", CHARTS),
    ("keyword", "missing data", IMPUTATION),
    ("keyword", "dataviz", CHARTS),
    ("keyword", "NLP", TEXT),
    ("keyword", "big data", SPARK),
    ("keyword", "commit", GIT),
    ("keyword", "podman", DOCKER),
    ("question", "comment annuler un commit", GIT),
    ("question", "classer des textes en thèmes", TEXT),
    ("question", "quand utiliser Spark", SPARK),
]

WRITTEN = {chapter.name for chapter in chapters.find(ROOT)}
QUERIES = [query for query in QUERIES if query[2] in WRITTEN]  # the others wait for their chapter


def test_sections_elisions_and_keywords_reach_the_index():
    page = search.ready(PAGE, ["notation", "l'essai"])
    assert '<h2 id="partie">' in page
    assert "L’ évaluation d’ un modèle" in page
    assert "Mots-clés : notation, l’ essai." in page
    assert "headerlink" not in page
    assert 'data-pagefind-weight="0.4"' in page


def test_a_page_without_text_of_the_book_is_left_out():
    assert search.ready("<html><body><main><article><h1>Index</h1></article></main></html>", []) is None


def test_an_index_of_nothing_is_an_error(tmp_path):
    with pytest.raises(search.SearchError, match="n'a pas pu être fait"):
        search.index(tmp_path / "site", [], tmp_path / "kept")


def test_a_page_that_did_not_change_is_made_ready_once(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(search, "ready", lambda html, keywords: made.append(html) or html)
    first = search._copy("<p>un</p>", [], tmp_path)
    assert search._copy("<p>un</p>", [], tmp_path) == first
    assert search._copy("<p>un</p>", ["mot"], tmp_path) != first
    assert first.read_text(encoding="utf-8") == "<p>un</p>"
    assert len(made) == 2


@pytest.fixture(scope="module")
def page(browser, site_url):
    page = browser.new_page()
    page.set_default_timeout(5000)
    page.goto(f"{site_url}/book/index.html")
    yield page
    page.close()


def results(page, query: str) -> list[str]:
    """Addresses found, best first, after the query was typed in the dialog."""
    if not page.locator("#pst-search-dialog").is_visible():
        page.keyboard.press("Control+k")
    field = page.locator("#pst-search-dialog input")
    state = page.locator(".recherche-etat")
    field.fill("")
    page.wait_for_function("document.querySelector('.recherche-etat').textContent === ''")
    field.fill(query)
    page.wait_for_function("document.querySelector('.recherche-etat').textContent !== ''")
    assert state.inner_text()
    return page.eval_on_selector_all(".recherche-resultats a", "links => links.map(a => a.href)")


@pytest.mark.parametrize(("kind", "query", "chapter"), QUERIES, ids=[q[1] for q in QUERIES])
def test_a_query_finds_its_chapter(page, kind, query, chapter):
    found = []
    for address in results(page, query):
        name = address.split(".html")[0].split("/notebooks/")[-1]
        if name not in found:
            found.append(name)
    assert chapter in found[:3], found


def test_results_show_the_section_and_the_matching_text(page):
    results(page, "conflit")
    first = page.locator(".recherche-resultats a").first
    assert "#" in first.get_attribute("href")
    assert first.locator("mark").count() >= 1


@pytest.fixture
def fresh_page(browser, site_url):
    page = browser.new_page()
    page.goto(f"{site_url}/notebooks/{GIT}.html")
    yield page
    page.close()


@pytest.mark.parametrize("key", ["Control+k", "/"])
def test_the_search_opens_with_a_key(fresh_page, key):
    fresh_page.keyboard.press(key)
    fresh_page.locator("#pst-search-dialog").wait_for(state="visible", timeout=3000)
    assert fresh_page.evaluate("document.activeElement.matches('#pst-search-dialog input')")
    assert fresh_page.locator("#pst-search-dialog input").input_value() == ""


def test_the_search_works_by_keyboard_alone(fresh_page):
    results(fresh_page, "conteneur")
    fresh_page.keyboard.press("ArrowDown")
    assert fresh_page.evaluate("document.activeElement.matches('.recherche-resultats a')")
    fresh_page.keyboard.press("ArrowUp")
    assert fresh_page.evaluate("document.activeElement.matches('#pst-search-dialog input')")
    fresh_page.keyboard.press("ArrowDown")
    fresh_page.keyboard.press("Enter")
    fresh_page.wait_for_url(f"**/{DOCKER}.html*")


def test_escape_closes_the_search(fresh_page):
    fresh_page.keyboard.press("/")
    fresh_page.keyboard.press("Escape")
    fresh_page.locator("#pst-search-dialog").wait_for(state="hidden", timeout=3000)


def test_a_query_without_answer_says_so(fresh_page):
    assert results(fresh_page, "zzxqwv") == []
    assert "Aucun" in fresh_page.locator(".recherche-etat").inner_text()


def test_the_stock_index_answers_from_a_file(browser, site):
    page = browser.new_page()
    page.goto(f"{(site / 'search.html').as_uri()}?q=conteneur")
    page.locator("#search-results li a").first.wait_for(timeout=10000)
    found = page.eval_on_selector_all("#search-results li a", "links => links.map(a => a.href)")
    assert any(DOCKER in address for address in found)
    page.close()
