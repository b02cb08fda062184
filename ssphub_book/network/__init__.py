"""The network's public life: projects, resources, letters, events and partners, from the YAML files of
`book/reseau/data` to the pages, the calendar and the exports. It imports nothing else of the package."""

from pathlib import Path

from ssphub_book.network import calendar, export
from ssphub_book.network.entries import (
    FOLDER,
    KINDS,
    LISTS,
    THEMES,
    Entry,
    Network,
    Problem,
    files,
    is_past,
    read,
    today,
)

__all__ = [
    "FOLDER",
    "KINDS",
    "LISTS",
    "THEMES",
    "Entry",
    "Network",
    "Problem",
    "files",
    "is_past",
    "read",
    "today",
    "write",
]


def write(site: Path, title: str, address: str, network: Network) -> None:
    """Write the agenda and the catalogue that programs read; `address`: that of the book, with a slash."""
    calendar.write(site, f"{title} : agenda", network.of("evenements"))
    export.write(site, title, address, network)
