"""How an entry is told in French: its date, its line in a chapter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from babel.dates import format_date

from ssphub_book.network.entries import Entry

LANGUAGES = {"en": "en anglais"}


def day(moment: date) -> str:
    """« 26 novembre 2026 », « 1er décembre 2026 »."""
    text = format_date(moment, "d MMMM y", locale="fr")
    return text.replace("1 ", "1er ", 1) if moment.day == 1 else text


def when(entry: Entry) -> str:
    """The date of an entry as a sentence writes it; its year where that is all one knows, or nothing."""
    said = entry.said.get("date", "")
    if not said:
        return entry.year
    start, end = entry.start, entry.end
    if len(said) == len("2026-11"):
        return format_date(start, "MMMM y", locale="fr")
    if isinstance(start, datetime):
        return _hours(start, end)
    if start == end:
        return day(start)
    word = "et" if end - start == timedelta(days=1) else "au"
    first = day(start)
    if (start.year, start.month) == (end.year, end.month):
        first = first.partition(" ")[0]
    elif start.year == end.year:
        first = first.rpartition(" ")[0]
    return f"{first} {word} {day(end)}"


def _hours(start: datetime, end: datetime) -> str:
    if start == end:
        return f"{day(start)}, {_hour(start)}"
    if start.date() == end.date():
        return f"{day(start)}, de {_hour(start)} à {_hour(end)}"
    return f"{day(start)}, {_hour(start)}, au {day(end)}, {_hour(end)}"


def _hour(moment: datetime) -> str:
    return f"{moment.hour} h {moment:%M}" if moment.minute else f"{moment.hour} h"


def about(entry: Entry) -> list[str]:
    """What one says of an entry beside its title: what it is, whose, when, in which state and language."""
    said = entry.said
    kind = "" if entry.kind in ("projets", "partenaires") else entry.type
    found = (kind, said.get("organisme"), when(entry), said.get("lieu"), said.get("etat"), said.get("niveau"))
    return [*filter(None, found), *filter(None, [LANGUAGES.get(entry.language)])]


def in_chapter(entries: Iterable[Entry]) -> list[str]:
    """The entries as a list in Markdown, which a page and a notebook both read."""
    return [f"- {_link(entry)}, {', '.join(about(entry))}. {entry.summary}" for entry in entries]


def _link(entry: Entry) -> str:
    title = entry.title if entry.language == "fr" else f"{{en-droit}}`{entry.title}`"
    return f"[{title}]({entry.address})"
