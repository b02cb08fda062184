"""What each published page says of itself in its head: the sitemap and the feed repeat it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bs4 import BeautifulSoup


@dataclass(frozen=True)
class Page:
    """A page that search engines may list; dates are None where Git does not know them."""

    file: str
    address: str
    title: str
    description: str
    published: datetime | None
    modified: datetime | None


def find(site: Path) -> list[Page]:
    """The pages of the site in the order of their paths, less those that ask not to be listed."""
    read = (_read(site, path) for path in sorted(site.rglob("*.html")))
    return [page for page in read if page]


def _read(site: Path, path: Path) -> Page | None:
    head = BeautifulSoup(path.read_text(encoding="utf-8").partition("</head>")[0], "html.parser")

    def said(key: str) -> str:
        tag = head.find("meta", property=key)
        return str(tag["content"]) if tag else ""

    def date(key: str) -> datetime | None:
        return datetime.fromisoformat(said(key)) if said(key) else None

    if not said("og:url") or head.find("meta", attrs={"http-equiv": "refresh"}):
        return None
    return Page(
        file=path.relative_to(site).as_posix(),
        address=said("og:url"),
        title=said("og:title"),
        description=said("og:description"),
        published=date("article:published_time"),
        modified=date("article:modified_time"),
    )
