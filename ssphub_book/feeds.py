"""The Atom feeds: new and changed chapters, letters, events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

from feedgen.feed import FeedGenerator

from ssphub_book.chapters import NOTEBOOKS
from ssphub_book.network import french
from ssphub_book.network.entries import PARIS, Entry, Network
from ssphub_book.pages import Page
from ssphub_book.settings import Settings

CHAPTERS, LETTERS, EVENTS = "chapitres.xml", "lettres.xml", "agenda.xml"
TITLES = {
    CHAPTERS: "chapitres nouveaux et modifiés",
    LETTERS: "lettres du réseau",
    EVENTS: "agenda du réseau",
}
NETWORK = "book/reseau"


@dataclass(frozen=True)
class Item:
    """One entry of a feed; `page`, its address, is also what it is known by."""

    page: str
    title: str
    summary: str
    updated: datetime
    published: datetime | None = None


def write(site: Path, settings: Settings, pages: list[Page], network: Network, moment: datetime) -> None:
    """Write the feeds, the last change first; `moment` dates a feed of chapters that has no entry.

    A chapter of unknown date (not committed yet) waits for its date; a book without network's data has
    one feed.
    """
    chapters = [page for page in pages if page.file.startswith(f"{NOTEBOOKS}/") and page.modified]
    feeds = {
        CHAPTERS: [Item(p.address, p.title, p.description, p.modified, p.published) for p in chapters],
        LETTERS: [_letter(settings, entry) for entry in network.of("lettres")],
        EVENTS: [_event(settings, entry) for entry in network.of("evenements")],
    }
    for name in names(network):
        items = feeds[name]
        _write(site / name, settings, items, moment)


def names(network: Network) -> list[str]:
    """The files of the feeds that this book has."""
    return list(TITLES) if network.entries else [CHAPTERS]


def _letter(settings: Settings, entry: Entry) -> Item:
    moment = _midnight(entry.start)
    page = f"{settings.address}{NETWORK}/lettres.html#{entry.id}"
    return Item(page, entry.title, entry.summary, moment, moment)


def _event(settings: Settings, entry: Entry) -> Item:
    """An event is as new as what was last verified of it: its date may be to come."""
    page = f"{settings.address}{NETWORK}/agenda.html#{entry.id}"
    title = f"{entry.title} ({french.when(entry)})"
    return Item(page, title, entry.summary, _midnight(entry.verified))


def _midnight(day) -> datetime:
    return datetime.combine(day, time(), PARIS)


def _write(path: Path, settings: Settings, items: list[Item], moment: datetime) -> None:
    items = sorted(items, key=lambda item: item.updated, reverse=True)
    feed = FeedGenerator()
    feed.generator("")
    feed.id(settings.address if path.name == CHAPTERS else f"{settings.address}{path.name}")
    feed.title(f"{settings.title} : {TITLES[path.name]}")
    feed.author(name=settings.author)
    feed.language(settings.language)
    feed.link(href=f"{settings.address}{path.name}", rel="self", type="application/atom+xml")
    feed.link(href=settings.address, rel="alternate", type="text/html")
    feed.updated(items[0].updated if items else moment)
    for item in items:
        _add(feed, item)
    feed.atom_file(str(path), pretty=True)


def _add(feed: FeedGenerator, item: Item) -> None:
    entry = feed.add_entry(order="append")
    entry.id(item.page)
    entry.title(item.title)
    entry.summary(item.summary)
    entry.link(href=item.page, rel="alternate", type="text/html")
    entry.updated(item.updated)
    if item.published:
        entry.published(item.published)
