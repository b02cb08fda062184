"""The Atom feed of new and changed chapters."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from feedgen.feed import FeedGenerator

from ssphub_book.chapters import NOTEBOOKS
from ssphub_book.pages import Page
from ssphub_book.settings import Settings

FEED = "chapitres.xml"


def write(site: Path, settings: Settings, pages: list[Page], moment: datetime) -> None:
    """Write `site/chapitres.xml`, last change first; `moment` dates a feed that has no entry.

    A chapter of unknown date (not committed yet) waits for its date.
    """
    chapters = [page for page in pages if page.file.startswith(f"{NOTEBOOKS}/") and page.modified]
    chapters.sort(key=lambda page: page.modified, reverse=True)
    feed = FeedGenerator()
    feed.generator("")
    feed.id(settings.address)
    feed.title(f"{settings.title} : chapitres nouveaux et modifiés")
    feed.author(name=settings.author)
    feed.language(settings.language)
    feed.link(href=f"{settings.address}{FEED}", rel="self", type="application/atom+xml")
    feed.link(href=settings.address, rel="alternate", type="text/html")
    feed.updated(chapters[0].modified if chapters else moment)
    for chapter in chapters:
        _add(feed, chapter)
    feed.atom_file(str(site / FEED), pretty=True)


def _add(feed: FeedGenerator, chapter: Page) -> None:
    entry = feed.add_entry(order="append")
    entry.id(chapter.address)
    entry.title(chapter.title)
    entry.summary(chapter.description)
    entry.link(href=chapter.address, rel="alternate", type="text/html")
    entry.updated(chapter.modified)
    if chapter.published:
        entry.published(chapter.published)
