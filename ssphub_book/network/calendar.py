"""The agenda as iCalendar (RFC 5545): one file to subscribe to, one for each event.

Days are days; hours are Paris's, whose rules go with the file. Identifiers never change: a calendar that
reads the agenda again moves an event instead of doubling it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from icalendar import Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard

from ssphub_book.network import french
from ssphub_book.network.entries import PARIS, Entry

AGENDA = "agenda.ics"
FOLDER = "agenda"
WINTER, SUMMER = timedelta(hours=1), timedelta(hours=2)  # Paris's hours, ahead of UTC
DOMAIN = "cahiers.ssphub"  # of the identifiers: not where the book is published, which may change


def file_of(entry: Entry) -> str:
    """The file of one event, from the root of the site."""
    return f"{FOLDER}/{entry.key}.ics"


def write(site: Path, name: str, events: list[Entry]) -> None:
    """Write `agenda.ics` and the file of each event; `name` is that of the calendar."""
    (site / FOLDER).mkdir(exist_ok=True)
    (site / AGENDA).write_bytes(calendar(name, events))
    for event in events:
        (site / file_of(event)).write_bytes(calendar(name, [event]))


def calendar(name: str, events: Iterable[Entry]) -> bytes:
    """The calendar of these events."""
    made = Calendar()
    made.add("prodid", "-//SSP Hub//Cahiers//FR")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", name)
    made.add("x-wr-timezone", PARIS.key)
    made.add("refresh-interval", timedelta(days=1), parameters={"value": "DURATION"})
    events = list(events)
    if any(isinstance(event.start, datetime) for event in events):
        made.add_component(_paris())
    for event in events:
        made.add_component(_event(event))
    return made.to_ical()


def _paris() -> Timezone:
    """The hours of Paris since 1996, by their rule: some programs do not read a list of dates."""
    made = Timezone()
    made.add("tzid", PARIS.key)
    for part, name, before, after, start in (
        (TimezoneDaylight(), "CEST", WINTER, SUMMER, datetime(1996, 3, 31, 2)),
        (TimezoneStandard(), "CET", SUMMER, WINTER, datetime(1996, 10, 27, 3)),
    ):
        part.add("dtstart", start)
        part.add("rrule", {"freq": "yearly", "bymonth": start.month, "byday": "-1su"})
        part.add("tzname", name)
        part.add("tzoffsetfrom", before)
        part.add("tzoffsetto", after)
        made.add_component(part)
    return made


def _event(entry: Entry) -> Event:
    event = Event()
    moment = datetime.combine(entry.verified, time(), UTC)
    event.add("uid", f"{entry.id}@{DOMAIN}")
    event.add("dtstamp", moment)
    event.add("last-modified", moment)
    event.add("summary", entry.title)
    event.add("dtstart", entry.start)
    event.add("dtend", entry.end if isinstance(entry.end, datetime) else entry.end + timedelta(days=1))
    doubt = f"\nÀ confirmer : {entry.doubt}." if entry.doubt else ""
    event.add("description", f"{entry.summary}\n{french.when(entry)}{doubt}")
    event.add("url", entry.address)
    event.add("categories", [entry.type])
    if place := entry.said.get("lieu"):
        event.add("location", place)
    event.add("transp", "TRANSPARENT")
    return event
