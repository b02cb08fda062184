"""The page shown for an address that does not exist, at any depth of the site."""

from __future__ import annotations

import json
import re

import pytest
from bs4 import BeautifulSoup


@pytest.mark.parametrize("address", ["absent.html", "a/b/c", "notebooks/pratiques/absent"])
def test_it_looks_and_works_like_a_page_at_any_depth(site_url, browser, address):
    failed: list[str] = []
    context = browser.new_context()
    page = context.new_page()
    page.on("response", lambda r: failed.append(r.url) if r.status >= 400 else None)
    page.on("pageerror", lambda error: failed.append(str(error)))
    response = page.goto(f"{site_url}/{address}")
    assert response.status == 404
    assert page.locator("h1").inner_text() == "Page introuvable"
    assert failed == [f"{site_url}/{address}"]
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(253, 251, 247)"  # the style sheet was found
    page.fill("#recherche-page", "spark")
    page.press("#recherche-page", "Enter")
    page.wait_for_url(re.compile(r"/search\.html\?q=spark$"))
    page.wait_for_selector("#search-results li a")
    context.close()
    assert failed == [f"{site_url}/{address}"]


def test_its_own_dialog_searches_too(site_url, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site_url}/a/b/c")
    page.click("header .search-button__button")
    page.keyboard.type("spark")
    link = page.locator(".recherche-resultats a").first
    link.wait_for()
    assert link.evaluate("a => a.href").startswith(f"{site_url}/")
    context.close()


def test_it_speaks_french_and_is_in_no_index(site):
    page = BeautifulSoup((site / "404.html").read_text(encoding="utf-8"), "html.parser")
    assert page.html["lang"] == "fr"
    assert "Aucune page du livre n’est à cette adresse" in page.article.get_text()
    assert page.title.get_text().startswith("Page introuvable")
    relative = [a["href"] for a in page.select("[href]") if not a["href"].startswith(("/", "#", "https:"))]
    assert relative == []
    script = (site / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(script[script.index("{") : script.rindex("}") + 1])
    assert "404" not in index["docnames"]
    assert len(index["docnames"]) > 10
