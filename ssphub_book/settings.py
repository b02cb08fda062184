"""What `_config.yml` says of the book as a published work: title, author, address, repository, release."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Settings:
    """`address` ends with a slash; it is empty where the configuration gives none."""

    title: str
    author: str
    address: str
    repository: str
    language: str
    release: str = ""


def read(root: Path) -> Settings:
    """The settings of the book at `root`."""
    config = yaml.load((root / "_config.yml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader) or {}
    sphinx = (config.get("sphinx") or {}).get("config") or {}
    address = str(sphinx.get("html_baseurl") or "")
    return Settings(
        title=str(config.get("title") or ""),
        author=str(config.get("author") or ""),
        address=f"{address.rstrip('/')}/" if address else "",
        repository=str((config.get("repository") or {}).get("url") or ""),
        language=str(sphinx.get("language") or "fr"),
        release=str(sphinx.get("release") or ""),
    )
