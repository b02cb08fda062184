"""Findings that rest on the text of one page alone, kept from one command to the next: a book of many
chapters is checked in the time of those that changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import astuple
from functools import cache
from pathlib import Path

from ssphub_book.chapters import Chapter
from ssphub_book.contract.finding import Finding

FOLDER = "_build/controle"
PACKAGE = Path(__file__).resolve().parent.parent
WORDS = PACKAGE / "contract" / "dictionnaire"


def own(page: Chapter, find: Callable[[], set[Finding]]) -> set[Finding]:
    """What `find` gives for this text of the page, from the last time where neither it nor a rule changed."""
    copy = page.root / FOLDER / f"{page.file.replace('/', '-')}.json"
    key = hashlib.sha256(f"{_rules()}\0{page.file}\0{page.text}".encode()).hexdigest()
    kept = json.loads(copy.read_text(encoding="utf-8")) if copy.is_file() else {}
    if kept.get("key") == key:
        return {Finding(*values) for values in kept["findings"]}
    found = find()
    copy.parent.mkdir(parents=True, exist_ok=True)
    partial = copy.with_suffix(".partial")
    text = json.dumps({"key": key, "findings": [astuple(finding) for finding in sorted(found)]})
    partial.write_text(text, encoding="utf-8")
    partial.replace(copy)
    return found


@cache
def _rules() -> str:
    """Hash of all that rules are made of: the package, the words that spelling admits, the lock."""
    digest = hashlib.sha256()
    lock = PACKAGE.parent / "requirements.txt"
    for path in (*sorted(PACKAGE.rglob("*.py")), *sorted(WORDS.iterdir()), lock):
        digest.update(path.read_bytes())
    return digest.hexdigest()
