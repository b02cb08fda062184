"""What each published page says of itself in its head: the sitemap and the feed repeat it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from bs4 import BeautifulSoup

from ssphub_book import kept


@dataclass(frozen=True)
class Page:
    """A page that search engines may list; dates are None where Git does not know them."""

    file: str
    address: str
    title: str
    description: str
    published: datetime | None
    modified: datetime | None


def find(site: Path, root: Path) -> list[Page]:
    """The pages of the site in the order of their paths, less those that ask not to be listed.

    `root`: of the book, which keeps what was read of the pages that stay the same.
    """
    found = []
    for path in sorted(site.rglob("*.html")):
        file, head = path.relative_to(site).as_posix(), _head(path)
        found.append(kept.of(root, file, "tete", head, partial(_read, file, head)))
    return [page for page in found if page]


def _head(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("</head>")[0]


def _read(file: str, text: str) -> Page | None:
    head = BeautifulSoup(text, "html.parser")

    def said(key: str) -> str:
        tag = head.find("meta", property=key)
        return str(tag["content"]) if tag else ""

    def date(key: str) -> datetime | None:
        return datetime.fromisoformat(said(key)) if said(key) else None

    if not said("og:url") or head.find("meta", attrs={"http-equiv": "refresh"}):
        return None
    return Page(
        file=file,
        address=said("og:url"),
        title=said("og:title"),
        description=said("og:description"),
        published=date("article:published_time"),
        modified=date("article:modified_time"),
    )
