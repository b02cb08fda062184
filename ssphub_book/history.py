"""When each file of the book entered Git and last changed there.

Where Git cannot say (no repository, file not committed yet, shallow clone that ends before the
file's commit) a date is missing, never guessed.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

COMMIT = "\x01"  # opens the line of a commit: no path begins with it


@dataclass(frozen=True)
class Dates:
    """First and last commit of a file; the first is None where a shallow clone hides it."""

    first: datetime | None
    last: datetime


def head(root: Path) -> str:
    """The commit that the folder is at; empty where there is none."""
    return _git(root, "rev-parse", "HEAD").strip()


def moment(root: Path) -> datetime:
    """The date of the last commit; without Git, SOURCE_DATE_EPOCH or the start of this day."""
    committed = _git(root, "log", "-1", "--no-show-signature", "--format=%cI").strip()
    if committed:
        return datetime.fromisoformat(committed)
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        return datetime.fromtimestamp(int(epoch), UTC)
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def dates(root: Path) -> dict[str, Dates]:
    """The dates of each file under `root`, by its path from there."""
    return _dates(root, head(root))


@lru_cache(maxsize=2)
def _dates(root: Path, commit: str) -> dict[str, Dates]:
    """`commit`: the one that the folder is at. Every page asks for its dates, and the table of chapters."""
    shallow = _git(root, "rev-parse", "--is-shallow-repository").strip() == "true"
    log = _git(
        root,
        *("-c", "core.quotePath=false", "log", "--no-show-signature", "--no-renames"),
        *("--relative", "--name-only", f"--format={COMMIT}%cI %P", "--", "."),
    )
    moments: dict[str, list[datetime]] = {}
    cut: set[str] = set()  # files that were there before the clone begins
    for commit in log.split(COMMIT)[1:]:
        header, *names = commit.splitlines()
        date, _, parents = header.partition(" ")
        for name in filter(None, names):
            if shallow and not parents:
                cut.add(name)
            else:
                moments.setdefault(name, []).append(datetime.fromisoformat(date))
    return {name: Dates(None if name in cut else min(found), max(found)) for name, found in moments.items()}


def _git(root: Path, *arguments: str) -> str:
    """What Git answers; empty where it is not installed or refuses."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except OSError:
        return ""
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""
