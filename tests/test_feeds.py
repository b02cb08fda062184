"""The feed, the sitemap, robots.txt and security.txt, as programs read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as Xml

import feedparser
import pytest

from ssphub_book import contract, crawlers, feeds, history, network, pages, settings
from tests.conftest import ROOT

SETTINGS = settings.read(ROOT)
MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)
SITEMAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


def locations(sitemap: Path) -> list[str]:
    return [node.text for node in Xml.parse(sitemap).iterfind("s:url/s:loc", SITEMAP)]


def fields(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


def test_the_sitemap_is_the_set_of_pages(site):
    listed = locations(site / "sitemap.xml")
    expected = {f"{SETTINGS.address}{file}.html" for file in contract.table_of_contents(ROOT)}
    assert sorted(listed) == sorted(expected)


def test_the_sitemap_dates_pages_as_they_do(site):
    dated = {}
    for url in Xml.parse(site / "sitemap.xml").iterfind("s:url", SITEMAP):
        date = url.findtext("s:lastmod", namespaces=SITEMAP)
        dated[url.findtext("s:loc", namespaces=SITEMAP)] = date and datetime.fromisoformat(date)
    assert dated == {page.address: page.modified for page in pages.find(site, ROOT)}


def test_robots_are_welcome_and_shown_the_sitemap(site):
    said = fields(site / "robots.txt")
    assert said == {"User-agent": "*", "Allow": "/", "Sitemap": f"{SETTINGS.address}sitemap.xml"}


def test_security_contact(site):
    said = fields(site / ".well-known/security.txt")
    assert said["Contact"] == SETTINGS.repository
    assert said["Contact"].startswith("https://")
    assert said["Preferred-Languages"] == "fr, en"
    assert said["Canonical"] == f"{SETTINGS.address}.well-known/security.txt"
    expires = datetime.fromisoformat(said["Expires"])
    committed = history.moment(ROOT)
    assert expires == committed + timedelta(days=365)
    if committed > datetime.now(UTC) - timedelta(days=364):  # an older checkout says that it is old
        assert expires > datetime.now(UTC)


@pytest.fixture(scope="module")
def feed(site):
    return feedparser.parse((site / feeds.CHAPTERS).read_bytes())


def test_the_feed_is_valid(feed):
    assert feed.bozo == 0
    assert feed.version == "atom10"
    assert feed.feed.id == SETTINGS.address
    assert feed.feed.language == "fr"
    assert feed.feed.title.startswith(SETTINGS.title)
    assert {link.rel for link in feed.feed.links} == {"self", "alternate"}


def test_the_feed_holds_every_dated_chapter(site, feed):
    chapters = [
        page for page in pages.find(site, ROOT) if page.file.startswith("notebooks/") and page.modified
    ]
    assert sorted(entry.id for entry in feed.entries) == sorted(page.address for page in chapters)
    for entry in feed.entries:
        page = next(page for page in chapters if page.address == entry.id)
        assert (entry.title, entry.summary, entry.link) == (page.title, page.description, page.address)
        assert datetime.fromisoformat(entry.updated) == page.modified
    updates = [entry.updated_parsed for entry in feed.entries]
    assert updates == sorted(updates, reverse=True)


def page(name: str, day: int | None) -> pages.Page:
    date = MOMENT.replace(day=day) if day else None
    return pages.Page(f"{name}.html", f"https://example.org/{name}.html", f"{name} & <b>", "?", date, date)


def parsed(folder: Path, *found: pages.Page):
    feeds.write(folder, SETTINGS, list(found), network.Network((), ()), MOMENT)
    return feedparser.parse((folder / feeds.CHAPTERS).read_bytes())


def test_feed_of_a_book_of_known_dates(tmp_path):
    feed = parsed(
        tmp_path, page("notebooks/a", 1), page("notebooks/b", 3), page("notebooks/c", None), page("book/d", 4)
    )
    assert feed.bozo == 0
    assert [entry.id for entry in feed.entries] == [
        "https://example.org/notebooks/b.html",
        "https://example.org/notebooks/a.html",
    ]
    assert feed.feed.updated == feed.entries[0].updated == "2026-11-03T12:00:00+00:00"
    first = (tmp_path / feeds.CHAPTERS).read_bytes()
    parsed(
        tmp_path, page("notebooks/a", 1), page("notebooks/b", 3), page("notebooks/c", None), page("book/d", 4)
    )
    assert (tmp_path / feeds.CHAPTERS).read_bytes() == first


def test_feed_without_any_date(tmp_path):
    feed = parsed(tmp_path, page("notebooks/a", None))
    assert feed.bozo == 0
    assert feed.entries == []
    assert feed.feed.updated == MOMENT.isoformat()


def test_pages_that_send_elsewhere_or_say_nothing_are_not_listed(tmp_path):
    head = '<meta property="og:url" content="https://example.org/a.html" />'
    (tmp_path / "a.html").write_text(f"<head>{head}</head>")
    (tmp_path / "index.html").write_text(f'<head>{head}<meta http-equiv="refresh" content="0" /></head>')
    (tmp_path / "search.html").write_text("<head></head>")
    assert [page.file for page in pages.find(tmp_path, tmp_path)] == ["a.html"]


def test_a_book_without_a_repository_gives_no_contact(tmp_path):
    bare = settings.Settings("Livre", "", "https://example.org/", "", "fr")
    crawlers.write(tmp_path, bare, [], MOMENT)
    assert not (tmp_path / ".well-known").exists()
    assert locations(tmp_path / "sitemap.xml") == []
