"""The filters of the network's lists and what the day changes, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import expect

from ssphub_book import network
from tests.conftest import ROOT, sphinx_build

NETWORK = network.read(ROOT)
PROJECTS, RESOURCES = NETWORK.of("projets"), NETWORK.of("ressources")
CONFIG = """\
import sys
sys.path.insert(0, {root!r})
extensions = ["myst_parser", "ssphub_book.sphinx.network"]
language = "fr"
project = "Petit livre"
html_theme = "basic"
master_doc = "agenda"
html_static_path = []
"""
EVENTS = """\
{key}:
  titre: {title}
  resume: Un événement.
  adresse: https://example.org/{key}
  themes: [reseau]
  type: atelier
  date: {date}
  verifie: 2026-11-26
"""


@pytest.fixture
def page(browser) -> Iterator:
    page = browser.new_page()
    yield page
    page.close()


def shown(page) -> list[str]:
    return page.eval_on_selector_all(
        ".catalogue > .notice:not([hidden])", "found => found.map(one => one.id)"
    )


def status(page) -> str:
    return page.inner_text(".filtres-compte").replace("\xa0", " ")


def test_all_entries_are_listed_and_counted(page, site_url):
    for kind, entries in (("projets", PROJECTS), ("ressources", RESOURCES)):
        page.goto(f"{site_url}/book/reseau/{kind}.html")
        assert set(shown(page)) == {entry.id for entry in entries}
        assert status(page) == f"{len(entries)} entrées."
        assert page.get_attribute(".filtres-compte", "role") == "status"


def test_choices_and_words_filter_together_and_stay_in_the_address(page, site_url):
    page.goto(f"{site_url}/book/reseau/ressources.html")
    page.select_option("#filtre-theme", "pratiques")
    page.select_option("#filtre-type", "formation")
    page.fill("#filtre-q", "GIT")
    expected = {
        entry.id
        for entry in RESOURCES
        if "pratiques" in entry.themes and entry.type == "formation" and "git" in _text(entry)
    }
    assert expected
    assert set(shown(page)) == expected
    assert status(page) == f"{len(expected)} entrées sur {len(RESOURCES)}."
    address = page.url
    assert "theme=pratiques" in address
    assert "q=GIT" in address
    page.goto("about:blank")
    page.goto(address)
    assert set(shown(page)) == expected
    assert page.input_value("#filtre-theme") == "pratiques"


def _text(entry) -> str:
    words = (entry.title, entry.summary, *entry.said.get("mots_cles", []), *entry.links)
    return " ".join(words).lower()


def test_accents_and_case_do_not_matter(page, site_url):
    page.goto(f"{site_url}/book/reseau/projets.html")
    page.fill("#filtre-q", "tele mobile")
    without = shown(page)
    page.fill("#filtre-q", "TÉLÉ mobile")
    assert without
    assert shown(page) == without


def test_what_answers_nothing_is_told_and_a_button_clears_all(page, site_url):
    page.goto(f"{site_url}/book/reseau/projets.html")
    page.fill("#filtre-q", "zzzz")
    assert shown(page) == []
    assert status(page) == "Aucune entrée ne répond à ces filtres."
    assert page.locator("section:has(> .catalogue):visible").count() == 0
    page.click(".filtres [type=reset]")
    expect(page.locator(".catalogue > .notice[hidden]")).to_have_count(0)
    assert status(page) == f"{len(PROJECTS)} entrées."
    assert "?" not in page.url


def test_the_filters_work_by_keyboard_alone(page, site_url):
    page.goto(f"{site_url}/book/reseau/projets.html")
    page.focus("#filtre-q")
    page.keyboard.type("codification")
    some = shown(page)
    assert 0 < len(some) < len(PROJECTS)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "filtre-theme"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.type") == "reset"
    page.keyboard.press("Enter")
    expect(page.locator(".catalogue > .notice[hidden]")).to_have_count(0)


def test_a_link_to_an_entry_shows_it_whatever_the_filters(page, site_url):
    entry = NETWORK.by_key["pynsee"]
    page.goto(f"{site_url}/book/reseau/projets.html?q=zzzz#{entry.id}")
    assert page.locator(f"#{entry.id}").is_visible()


def test_without_script_the_lists_read_whole_and_the_form_is_hidden(browser, site_url):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site_url}/book/reseau/ressources.html?theme=collecte")
    assert page.locator(".catalogue > .notice:visible").count() == len(RESOURCES)
    assert page.locator("form.filtres:visible").count() == 0
    context.close()


def test_the_counts_of_the_themes_lead_to_as_many_entries(page, site_url):
    page.goto(f"{site_url}/book/reseau/index.html")
    links = page.eval_on_selector_all(
        "article a[href*='?theme=']", "found => found.map(one => [one.href, one.textContent])"
    )
    assert len(links) == 10
    for address, text in links[:4]:
        page.goto(address)
        assert len(shown(page)) == int(re.match(r"\d+", text)[0])


# --- the day ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def agenda(tmp_path_factory) -> Path:
    """The page of an agenda of one event that is over and two to come."""
    folder = tmp_path_factory.mktemp("agenda")
    data = folder / network.FOLDER
    data.mkdir(parents=True)
    (data / "schemas").symlink_to(ROOT / network.FOLDER / "schemas")
    events = (
        ("hier", "Hier", "2020-01-01"),
        ("bientot", "Bientôt", "2099-03-01"),
        ("tard", "Tard", "2099-06-01"),
    )
    text = "".join(EVENTS.format(key=key, title=title, date=day) for key, title, day in events)
    (data / "evenements.yml").write_text(text, encoding="utf-8")
    (folder / "conf.py").write_text(CONFIG.format(root=str(ROOT)), encoding="utf-8")
    (folder / "agenda.md").write_text("# Agenda\n\n```{agenda}\n```\n", encoding="utf-8")
    sphinx_build(folder, folder / "out")
    html = BeautifulSoup((folder / "out/agenda.html").read_text(encoding="utf-8"), "html.parser")
    article = html.find("section", id="a-venir").parent
    script = (ROOT / "ssphub_book/theme/static/cahiers-catalogue.js").read_text(encoding="utf-8")
    made = folder / "page.html"
    style = "<style>.masquee, .a-jour { display: none }</style>"
    made.write_text(f"<meta charset=utf-8>{style}{article}<script>{script}</script>", encoding="utf-8")
    return made


@pytest.mark.parametrize(
    ("day", "coming", "past"),
    [
        ("2026-11-26T12:00:00+01:00", ["Bientôt", "Tard"], ["Hier"]),
        ("2099-03-01T23:30:00+01:00", ["Bientôt", "Tard"], ["Hier"]),
        ("2099-03-02T00:30:00+01:00", ["Tard"], ["Bientôt", "Hier"]),
        ("2099-07-01T12:00:00+02:00", [], ["Tard", "Bientôt", "Hier"]),
    ],
)
def test_an_event_passes_on_its_day_in_paris_without_a_new_build(browser, agenda, day, coming, past):
    context = browser.new_context(timezone_id="America/New_York")
    page = context.new_page()
    page.clock.set_fixed_time(datetime.fromisoformat(day))
    page.goto(agenda.as_uri())
    titles = "found => found.map(one => one.textContent)"
    assert page.eval_on_selector_all("ul.a-venir h3", titles) == coming
    assert page.eval_on_selector_all("ul.passes h3", titles) == past
    assert page.locator(".aucun-evenement").is_visible() == (not coming)
    context.close()


def test_an_entry_is_marked_a_year_after_it_was_verified(browser, agenda):
    for day, marked in (("2027-11-26T12:00:00+01:00", 0), ("2027-11-27T12:00:00+01:00", 3)):
        page = browser.new_page()
        page.clock.set_fixed_time(datetime.fromisoformat(day))
        page.goto(agenda.as_uri())
        assert page.locator(".notice-relecture:visible").count() == marked
        page.close()
