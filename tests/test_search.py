"""Search in the built site: unit tests of what the index reads, then real queries in Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from ssphub_book import search

PAGE = """<html><body><main><article><section id="t"><h1>Titre<a class="headerlink">#</a></h1>
<p>L’évaluation d’un modèle.</p><section id="partie"><h2>Partie</h2><p>Texte.</p></section>
<div class="cell_input"><pre>x = read_csv(y)</pre></div></section></article></main></body></html>"""

GIT, DOCKER = "pratiques/git", "pratiques/docker"


def test_each_section_is_a_record_without_the_sections_in_it():
    whole, part = search.records("a/b.html", PAGE, ["notation", "l'essai"])
    assert (whole.page, whole.section, whole.title) == ("a/b.html", "t", "Titre")
    assert (part.section, part.chapter, part.title, part.body) == ("partie", "Titre", "Partie", "Texte.")
    assert whole.body == "L’ évaluation d’ un modèle."
    assert (whole.keywords, part.keywords) == ("notation, l’ essai", "")
    assert whole.code == "read_csv"


def test_a_record_is_found_by_its_words_folded_compounds_and_parts():
    record = search.Record("p", "s", "Été", "Été", "La non-réponse, à l’ œil.", "read_csv")
    assert {"ete", "non-reponse", "reponse", "read", "csv"} <= record.words
    assert "Été" not in record.words


def test_titles_and_keywords_are_escaped_in_the_indexed_document():
    assert "a &lt;b&gt; &amp; c" in search.Record("p", "s", "P", "a <b> & c", "", "").html


def test_a_page_without_text_of_the_book_is_left_out():
    assert search.records("a.html", "<main><article><h1>Index</h1></article></main>", []) == []


def test_an_index_of_nothing_is_an_error(tmp_path):
    with pytest.raises(search.SearchError, match="n'a pas pu être fait"):
        search.index(tmp_path / "site", tmp_path / "before", [], tmp_path)


def test_a_failing_indexer_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(search.sys, "executable", "/bin/false")
    with pytest.raises(search.SearchError, match="n'a pas pu être fait"):
        search.write(search.records("a.html", PAGE, []), tmp_path / "index", tmp_path / "documents")


def test_a_page_that_did_not_change_is_read_once(tmp_path, monkeypatch):
    read = []
    records = search.records
    monkeypatch.setattr(search, "records", lambda *page: read.append(page) or records(*page))
    page = tmp_path / "a.html"
    page.write_text(PAGE, encoding="utf-8")
    first = search.read(tmp_path, page, {}, tmp_path)
    assert search.read(tmp_path, page, {}, tmp_path) == first
    assert search.read(tmp_path, page, {"a.html": ["mot"]}, tmp_path) != first
    assert len(read) == 2


def test_the_indexer_reads_the_documents_of_this_time_and_no_other(tmp_path):
    first = search.Record("a.html", "un", "T", "T", "Un.")
    search._lay_out([first, search.Record("b.html", "deux", "T", "T", "Deux.")], tmp_path)
    kept = (tmp_path / "a.html/un.html").stat().st_mtime_ns
    search._lay_out([first], tmp_path)
    assert [path.name for path in tmp_path.glob("*/*.html")] == ["un.html"]
    assert (tmp_path / "a.html/un.html").stat().st_mtime_ns == kept
    search._lay_out([search.Record("a.html", "autre", "T", "T", "Autre.")], tmp_path)
    assert [path.name for path in tmp_path.glob("*/*.html")] == ["autre.html"]


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_an_index_made_from_the_last_one_is_the_one_made_from_nothing(tmp_path, monkeypatch, links):
    def files(folder: Path) -> dict[str, bytes]:
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}

    def made(name: str, body: str, before: str) -> Path:
        records = [
            search.Record("a.html", "un", "T", "Un", "Le même texte."),
            search.Record("a.html", "deux", "T", "Deux", body),
        ]
        folder = tmp_path / name / search.FOLDER
        search._link(tmp_path / before / search.FOLDER, folder)
        search.write(records, folder, tmp_path / f"{name}-documents")
        return folder

    def refuse(source: str, target: str) -> None:
        raise OSError

    if not links:
        monkeypatch.setattr(search.os, "link", refuse)
    first = made("first", "Un texte.", "nothing")
    held = files(first)
    again = made("again", "Un autre texte, plus long.", "first")
    assert files(again) == files(made("alone", "Un autre texte, plus long.", "nothing")) != held
    assert files(first) == held


def test_the_vocabulary_goes_from_frequent_to_rare():
    common = [search.Record("p", str(n), "T", "T", "partout") for n in range(12)]
    words = search.language([*common, search.Record("p", "x", "T", "T", "ailleurs")])["words"]
    assert "partout" in words[0].split()
    assert words[-1] == "ailleurs"


def test_the_vocabulary_leaves_out_what_the_dialog_does_not_need():
    record = search.Record(
        "p", "s", "T", "T", "les branches, une branche, 12345 en 1999, des choix, conteneur"
    )
    words = " ".join(search.language([record])["words"]).split()
    assert words == ["1999", "branche", "choix", "conteneur"]


def test_only_synonyms_that_the_book_holds_are_sent():
    sent = search.language([search.Record("p", "s", "Titre", "Titre", "Un conteneur.")])["synonyms"]
    assert sent and all("conteneur" in group for group in sent)


def test_the_tables_of_words_are_sound():
    tables = search.yaml.safe_load(search.LANGUAGE.read_text(encoding="utf-8"))
    stop, groups = tables["stop"].split(), tables["synonyms"]
    assert len(stop) == len(set(stop))
    assert all(len(group) == len(set(group)) >= 2 for group in groups)
    assert len({tuple(group) for group in groups}) == len(groups)


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
    expect(state).to_have_text("")
    field.fill(query)
    expect(state).not_to_have_text("")
    return page.eval_on_selector_all(".recherche-resultats a", "links => links.map(a => a.href)")


def test_results_show_the_section_and_the_matching_text(page):
    results(page, "conflit")
    first = page.locator(".recherche-resultats a").first
    assert "#" in first.get_attribute("href")
    assert first.locator("mark").count() >= 1


def test_a_page_is_named_once_above_its_sections(page):
    results(page, "conteneur")
    titles = page.locator(".recherche-resultats > li > strong").all_inner_texts()
    assert titles and len(titles) == len(set(titles))
    assert page.locator(".recherche-resultats > li").first.locator("a").count() > 1


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


def test_a_query_without_answer_offers_words_and_chapters_by_keyboard(fresh_page):
    assert results(fresh_page, "contenxxneur") == []
    advice = fresh_page.locator(".recherche-conseils")
    assert advice.locator("a").count() >= 3
    fresh_page.keyboard.press("ArrowDown")
    assert fresh_page.evaluate("document.activeElement.textContent") == "conteneur"
    fresh_page.keyboard.press("Enter")
    fresh_page.locator(".recherche-resultats a").first.wait_for()
    assert fresh_page.locator("#pst-search-dialog input").input_value() == "conteneur"
    assert advice.locator("a, button").count() == 0


def test_a_mended_word_and_an_unknown_one_are_told(fresh_page):
    assert results(fresh_page, "conteneurr zzxqwv")
    state = fresh_page.locator(".recherche-etat").inner_text()
    assert "corrigée" in state and "conteneur" in state and "zzxqwv." in state


def test_where_the_index_cannot_load_the_dialog_sends_to_the_search_page(browser, site_url):
    page = browser.new_page()
    page.route("**/pagefind/*", lambda route: route.abort())
    page.goto(f"{site_url}/notebooks/{GIT}.html")
    assert results(page, "conteneur") == []
    assert "Entrée" in page.locator(".recherche-etat").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=conteneur")
    page.close()


def test_the_stock_index_answers_from_a_file(browser, site):
    page = browser.new_page()
    page.goto(f"{(site / 'search.html').as_uri()}?q=conteneur")
    page.locator("#search-results li a").first.wait_for(timeout=10000)
    found = page.eval_on_selector_all("#search-results li a", "links => links.map(a => a.href)")
    assert any(DOCKER in address for address in found)
    page.close()
