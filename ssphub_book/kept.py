"""What is made from the text of one page alone, kept from one command to the next.

A book of many chapters is read and checked in the time of those that changed.
"""

from __future__ import annotations

import hashlib
import pickle
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TypeVar

FOLDER = "_build/lectures"
PACKAGE = Path(__file__).resolve().parent
WORDS = PACKAGE / "contract" / "dictionnaire"
Made = TypeVar("Made")


def of(root: Path, file: str, subject: str, text: str, make: Callable[[], Made]) -> Made:
    """What `make` gives for this text of a file: as the last time, where neither it nor the package changed.

    Whatever `make` raises passes, and nothing is kept; nor is it where the folder cannot be written.
    """
    copy = root / FOLDER / f"{file.replace('/', '-')}.{subject}"
    key = hashlib.sha256(f"{_makers()}\0{file}\0{text}".encode()).hexdigest().encode()
    known, _, value = copy.read_bytes().partition(b"\n") if copy.is_file() else (b"", b"", b"")
    if known == key:
        return pickle.loads(value)  # written by this very code
    made = make()
    with suppress(OSError):
        copy.parent.mkdir(parents=True, exist_ok=True)
        partial = copy.with_name(f"{copy.name}.partial")
        partial.write_bytes(key + b"\n" + pickle.dumps(made))
        partial.replace(copy)
    return made


@cache
def _makers() -> str:
    """Hash of all that what is kept is made of: Python, the package, the words of its rules, the lock."""
    digest = hashlib.sha256(sys.version.encode())
    lock = PACKAGE.parent / "requirements.txt"
    for path in (*sorted(PACKAGE.rglob("*.py")), *sorted(WORDS.iterdir()), lock):
        digest.update(path.read_bytes())
    return digest.hexdigest()
