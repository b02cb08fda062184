"""The catalogue for programs: every entry of the data files, in one JSON document."""

from __future__ import annotations

import json
from pathlib import Path

from ssphub_book.network.entries import KINDS, Entry, Network

CATALOGUE = "catalogue.json"
LICENCE = "https://www.etalab.gouv.fr/licence-ouverte-open-licence"


def write(site: Path, title: str, address: str, network: Network) -> None:
    """Write `catalogue.json`; `address`: where the book is published, with a slash."""
    made = {
        "titre": title,
        "adresse": f"{address}{CATALOGUE}",
        "licence": LICENCE,
        **{kind: [_entry(entry, address) for entry in network.of(kind)] for kind in KINDS},
    }
    text = json.dumps(made, ensure_ascii=False, indent=1)
    (site / CATALOGUE).write_text(f"{text}\n", encoding="utf-8")


def _entry(entry: Entry, address: str) -> dict:
    """What the data file says, the name of the entry, and the addresses of the chapters that it names."""
    pages = [f"{address}notebooks/{name}.html" for name in entry.chapters]
    return {"nom": entry.key, **entry.said, **({"chapitres": pages} if pages else {})}
