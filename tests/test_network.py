"""The network's data files: what is refused and where, dates, calendar, feeds, exports, chapters' lists."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import feedparser
import pytest
import vobject
from bs4 import BeautifulSoup
from jsonschema import Draft202012Validator

from ssphub_book import chapters, contract, network, plain, settings
from ssphub_book.network import calendar, french
from ssphub_book.network.entries import FOLDER, KINDS, LISTS, PARIS, Entry
from tests.conftest import ROOT

NETWORK = network.read(ROOT)
SETTINGS = settings.read(ROOT)
EVENTS = NETWORK.of("evenements")
WORKSHOP = """\
atelier:
  titre: Un atelier
  resume: On y travaille.
  adresse: https://example.org/atelier
  themes: [pratiques]
  type: atelier
  date: {date}
  fin: {end}
  verifie: 2026-11-26
"""


def write(book: Path, kind: str, text: str) -> network.Network:
    (book / FOLDER / f"{kind}.yml").write_text(text, encoding="utf-8")
    return network.read(book)


def workshop(book: Path, start: str, end: str) -> Entry:
    return write(book, "evenements", WORKSHOP.format(date=start, end=end)).by_key["atelier"]


# --- the files -------------------------------------------------------------------------------------


def test_the_data_of_this_book_are_sound_and_whole():
    assert NETWORK.problems == ()
    assert {kind: len(NETWORK.of(kind)) > 5 for kind in KINDS} == dict.fromkeys(KINDS, True)
    numbers = {entry.key for entry in NETWORK.of("lettres")}
    assert {f"infolettre-{n:02d}" for n in range(1, 27)} <= numbers


@pytest.mark.parametrize("kind", KINDS)
def test_each_schema_is_one_and_says_in_french_what_each_key_takes(kind):
    schema = json.loads((ROOT / FOLDER / f"schemas/{kind}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert all(value["description"] for value in schema["properties"].values())
    assert set(schema["required"]) <= set(schema["properties"])


def test_an_entry_of_five_lines_is_enough(small_book):
    text = (
        "c-est-quoi:\n  titre: C'est quoi ?\n  resume: Une page.\n  adresse: https://example.org\n"
        "  themes: [reseau]\n  verifie: 2026-11-26\n"
    )
    found = write(small_book, "partenaires", text)
    assert found.problems == ()
    assert found.by_key["c-est-quoi"].type == "communauté"


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "remedy"),
    [
        ("  titre: Un atelier\n", "", 1, "n'a pas de clé « titre »", "ajoutez-la : un nom"),
        ("type: atelier", "type: goûter", 6, "« goûter », n'est pas admise", "séminaire, présentation"),
        ("themes: [pratiques]", "themes: [cuisine]", 5, "n'est pas admise", "donnees-massives, reseau"),
        ("https://example.org/atelier", "example.org", 4, "n'est pas admise", "https://"),
        ("date: 2026-12-01", "date: 2026-02-30", 7, "n'est pas une date du calendrier", "qui existent"),
        ("date: 2026-12-01", "date: 2027-01-01", 8, "la fin vient avant le début", "corrigez"),
        ("date: 2026-12-01", "date: 2026-12-01 09:30", 8, "une heure toutes deux", "ajoutez ou retirez"),
        ("  verifie:", "  type: atelier\n  verifie:", 9, "« type » est donnée deux fois", "gardez-en une"),
        ("  verifie:", "  lieux: Paris\n  verifie:", 9, "clé inconnue, « lieux »", "lieu"),
        ("resume: On y travaille.", "resume: On : y", 3, "n'est pas du YAML lisible", "entre guillemets"),
        ("resume: On y travaille.", "resume: On y travaille", 3, "n'est pas admise", "finit par un point"),
        ("  verifie:", "  chapitres: [essais/absent]\n  verifie:", 1, "« essais/absent »", "sans"),
        ("atelier:\n", "additions:\n", 1, "nomme aussi une entrée de projets.yml, ligne 1", "autre nom"),
    ],
)  # fmt: skip
def test_a_bad_entry_is_told_with_its_line_and_what_to_do(small_book, old, new, line, message, remedy):
    text = WORKSHOP.format(date="2026-12-01", end="2026-12-02")
    assert old in text
    [problem] = write(small_book, "evenements", text.replace(old, new, 1)).problems
    assert (problem.file, problem.line) == (f"{FOLDER}/evenements.yml", line)
    assert message in problem.message
    assert remedy in problem.remedy
    [finding] = contract.check_book(chapters.find(small_book), small_book)
    assert (finding.rule, finding.line, finding.blocking) == ("entree", line, True)


def test_a_name_written_twice_in_a_file_is_told(small_book):
    text = WORKSHOP.format(date="2026-12-01", end="2026-12-01")
    [problem] = write(small_book, "evenements", text + text).problems
    assert problem.line == 10
    assert "ligne 1" in problem.message


# --- dates -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        ("2026-12-01", "2026-12-01", "1er décembre 2026"),
        ("2026-12-01", "2026-12-03", "1er au 3 décembre 2026"),
        ("2026-11-30", "2026-12-01", "30 novembre et 1er décembre 2026"),
        ("2026-11-16", "2026-11-17", "16 et 17 novembre 2026"),
        ("2026-12-30", "2027-01-02", "30 décembre 2026 au 2 janvier 2027"),
        ("2026-12-11 09:30", "2026-12-11 12:00", "11 décembre 2026, de 9 h 30 à 12 h"),
    ],
)
def test_dates_read_as_a_sentence_writes_them(small_book, start, end, shown):
    assert french.when(workshop(small_book, start, end)) == shown


def test_an_event_is_past_the_day_after_its_last(small_book):
    for end in ("2026-12-02", "2026-12-02 18:00"):
        entry = workshop(small_book, end.replace("02 ", "01 ") if " " in end else "2026-12-01", end)
        assert [network.is_past(entry, date(2026, 12, day)) for day in (1, 2, 3)] == [False, False, True]


def test_an_entry_is_stale_after_a_year(small_book):
    entry = workshop(small_book, "2026-12-01", "2026-12-01")
    assert not entry.is_stale(date(2027, 11, 26))
    assert entry.is_stale(date(2027, 11, 27))


# --- the calendar, by another parser than the library that wrote it -----------------------------------


def read_calendar(content: bytes):
    return vobject.readOne(content.decode())


def test_the_agenda_of_the_site_holds_every_event(site):
    read = read_calendar((site / calendar.AGENDA).read_bytes())
    found = {event.uid.value: event for event in read.vevent_list}
    assert set(found) == {f"{entry.id}@{calendar.DOMAIN}" for entry in EVENTS}
    for entry in EVENTS:
        event = found[f"{entry.id}@{calendar.DOMAIN}"]
        assert event.summary.value == entry.title
        assert event.dtstart.value == entry.start
        assert event.dtend.value == entry.end + timedelta(days=1)  # RFC 5545: the day after the last
        assert event.url.value == entry.address
        own = read_calendar((site / calendar.file_of(entry)).read_bytes())
        assert own.vevent.uid.value == event.uid.value


def test_hours_are_those_of_paris_in_summer_and_in_winter(small_book):
    for day, offset in (("2027-01-12", 1), ("2027-07-12", 2)):
        entry = workshop(small_book, f"{day} 09:30", f"{day} 12:00")
        read = read_calendar(calendar.calendar("Agenda", [entry]))
        start = read.vevent.dtstart.value
        assert start.replace(tzinfo=None) == datetime.fromisoformat(f"{day} 09:30")
        assert start.utcoffset() == timedelta(hours=offset)  # as the file's own rules say
        assert read.vevent.dtend.value - start == timedelta(hours=2, minutes=30)
        assert read.vtimezone.tzid.value == PARIS.key


def test_the_lines_of_a_calendar_are_folded_and_its_text_is_escaped(small_book):
    entry = workshop(small_book, "2026-12-01", "2026-12-01")
    entry = replace(entry, said=entry.said | {"titre": "Un, deux ; trois\\" + "é" * 200})
    content = calendar.calendar("Agenda", [entry])
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert read_calendar(content).vevent.summary.value == entry.title


def test_an_identifier_survives_what_changes(small_book):
    first = workshop(small_book, "2026-12-01", "2026-12-01")
    moved = workshop(small_book, "2026-12-08 10:00", "2026-12-08 12:00")
    uids = {read_calendar(calendar.calendar("x", [entry])).vevent.uid.value for entry in (first, moved)}
    assert len(uids) == 1


# --- feeds and exports ------------------------------------------------------------------------------


def test_the_feed_of_the_letters(site):
    feed = feedparser.parse((site / "lettres.xml").read_bytes())
    assert feed.bozo == 0
    letters = sorted(NETWORK.of("lettres"), key=lambda entry: entry.start, reverse=True)
    assert {entry.title for entry in feed.entries} == {entry.title for entry in letters}
    assert feed.entries[0].title == letters[0].title
    assert feed.feed.id != feedparser.parse((site / "chapitres.xml").read_bytes()).feed.id


def test_the_feed_of_the_events_leads_to_them(site):
    feed = feedparser.parse((site / "agenda.xml").read_bytes())
    assert feed.bozo == 0
    assert len(feed.entries) == len(EVENTS)
    page = BeautifulSoup((site / "book/reseau/agenda.html").read_text(encoding="utf-8"), "html.parser")
    for entry in feed.entries:
        address, _, anchor = entry.link.partition("#")
        assert address == f"{SETTINGS.address}book/reseau/agenda.html"
        assert page.find(id=anchor)


def test_every_page_tells_of_the_feeds(site):
    head = (site / "book/reseau/agenda.html").read_text(encoding="utf-8").partition("</head>")[0]
    links = BeautifulSoup(head, "html.parser").select("link[type='application/atom+xml']")
    assert [link["href"].rpartition("/")[2] for link in links] == [
        "chapitres.xml",
        "lettres.xml",
        "agenda.xml",
    ]
    assert all((site / "book/reseau" / link["href"]).resolve().is_file() for link in links)


def test_the_catalogue_for_programs_is_what_the_files_say(site):
    made = json.loads((site / "catalogue.json").read_text(encoding="utf-8"))
    for kind in KINDS:
        assert [entry["nom"] for entry in made[kind]] == [entry.key for entry in NETWORK.of(kind)]
    [git] = [entry for entry in made["ressources"] if entry["nom"] == "formation-git-r"]
    assert git["chapitres"] == [f"{SETTINGS.address}notebooks/pratiques/git.html"]
    assert git["verifie"] == "2026-06-25"


def test_the_list_for_language_models_names_every_page(site):
    text = (site / "llms.txt").read_text(encoding="utf-8")
    first, *_ = text.splitlines()
    assert first == f"# {SETTINGS.title}"
    for file in contract.table_of_contents(ROOT):
        if file != "book/index":
            assert f"]({SETTINGS.address}{file}.html)" in text
    assert "## Chapitres" in text


# --- chapters and entries -----------------------------------------------------------------------------


def test_chapters_and_entries_name_each_other(soups):
    for chapter in chapters.find(ROOT):
        page = soups[f"notebooks/{chapter.name}.html"]
        links = {link["href"] for link in page.select("article a[href]")}
        for entry in NETWORK.for_chapter(chapter.name, ("projets", "ressources", "evenements", "lettres")):
            assert entry.address in links, (chapter.name, entry.key)
    for kind in ("projets", "ressources"):
        page = soups[f"book/reseau/{kind}.html"]
        for entry in NETWORK.of(kind):
            shown = {link["href"] for link in page.find(id=entry.id).select("a[href^='../../notebooks']")}
            assert shown == {f"../../notebooks/{name}.html" for name in entry.chapters}


def test_every_theme_says_where_it_is_taught(site):
    page = BeautifulSoup((site / "book/reseau/index.html").read_text(encoding="utf-8"), "html.parser")
    links = {link["href"] for link in page.select("article a")}
    for chapter in chapters.find(ROOT):
        assert f"../../notebooks/{chapter.name}.html" in links
    number = sum("collecte" in entry.themes for entry in NETWORK.of("projets"))
    assert page.find("a", href="projets.html?theme=collecte").get_text() == f"{number} projets"


def test_the_notebook_lists_the_same_entries(small_chapter):
    text = small_chapter.read_text(encoding="utf-8")
    text = text.replace("Un cas.", "```{entrees} projets\n```\n\nVoyez {entree}`cela <additions>`.")
    small_chapter.write_text(text, encoding="utf-8")
    [chapter] = chapters.find(small_chapter.parents[2])
    book = plain.Book(chapter.root, "https://example.org/", (chapter.file.removesuffix(".md"),))
    prose = plain.Prose(chapter, book, {})
    made = prose.block("```{entrees} projets\n```\n\nVoyez {entree}`cela <additions>`.", 1)
    assert "- [Le service des additions](https://example.org/additions), 2026. Il additionne." in made
    assert "[cela](https://example.org/additions)" in made
    with pytest.raises(chapters.ChapterError, match="aucune entrée ne s'appelle « rien »"):
        prose.block("{entree}`rien`", 1)


@pytest.mark.parametrize("kind", LISTS)
def test_an_empty_list_is_told(small_chapter, kind):
    text = small_chapter.read_text(encoding="utf-8").replace("Un cas.", f"```{{entrees}} {kind}\n```")
    small_chapter.write_text(text, encoding="utf-8")
    root = small_chapter.parents[2]
    found = contract.check_book(chapters.find(root), root)
    assert ["serait vide" in finding.message for finding in found] == ([] if kind == "projets" else [True])


def test_a_near_name_is_proposed(small_chapter, edit):
    edit(small_chapter, "Un cas.", "Voyez {entree}`cela <adition>`.")
    root = small_chapter.parents[2]
    [finding] = contract.check_book(chapters.find(root), root)
    assert finding.rule == "entree"
    assert "additions" in finding.remedy


def test_the_doubtful_facts_are_shown_as_such(site):
    page = BeautifulSoup((site / "book/reseau/agenda.html").read_text(encoding="utf-8"), "html.parser")
    first_day = page.find(id=NETWORK.by_key["journee-1"].id).get_text()
    assert "À confirmer" in first_day
    assert "29 mars 2023" in first_day
    joining = BeautifulSoup(
        (site / "book/reseau/rejoindre.html").read_text("utf-8"), "html.parser"
    ).get_text()
    assert "contact-ssphub@insee.fr" in joining
    assert "ssphub-contact@insee.fr" in joining


def test_verified_dates_are_not_to_come():
    assert all(entry.verified <= datetime.now(UTC).date() for entry in NETWORK.entries)
