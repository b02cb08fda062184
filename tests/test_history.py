"""Dates of files by Git: first and last commits, and the cases where Git cannot say."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ssphub_book import history


def git(root: Path, *arguments: str, day: int = 1) -> None:
    date = f"2026-11-{day:02}T10:00:00+01:00"
    person = {"NAME": "Essai", "EMAIL": "essai@example.org", "DATE": date}
    names = {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in person.items()}
    subprocess.run(["git", *arguments], cwd=root, env=os.environ | names, check=True, capture_output=True)


def commit(root: Path, day: int, **files: str) -> None:
    for name, text in files.items():
        path = root / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", f"Day {day}", day=day)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "depot"
    root.mkdir()
    git(root, "init", "-q")
    commit(root, 1, **{"été": "un", "b": "un"})
    commit(root, 2, b="deux")
    commit(root, 3, c="un")
    return root


def days(root: Path) -> dict[str, tuple[int | None, int]]:
    return {name: (d.first and d.first.day, d.last.day) for name, d in history.dates(root).items()}


def test_first_and_last_commits(repository):
    assert days(repository) == {"été.md": (1, 1), "b.md": (1, 2), "c.md": (3, 3)}
    assert history.moment(repository).isoformat() == "2026-11-03T10:00:00+01:00"
    assert len(history.head(repository)) == 40


def test_a_file_that_is_not_committed_has_no_date(repository):
    (repository / "neuf.md").write_text("un")
    assert "neuf.md" not in days(repository)


def test_paths_count_from_the_book_not_from_the_repository(repository):
    commit(repository, 4, **{"livre/page": "un"})
    assert days(repository / "livre") == {"page.md": (4, 4)}


def test_a_shallow_clone_guesses_nothing(repository, tmp_path):
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth", "2", repository.as_uri(), str(clone))
    commit(clone, 5, b="trois")
    assert days(clone) == {"b.md": (None, 5), "c.md": (3, 3)}


def test_no_repository(tmp_path, monkeypatch):
    assert history.dates(tmp_path) == {}
    assert history.head(tmp_path) == ""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert history.moment(tmp_path) == datetime(1970, 1, 2, tzinfo=UTC)
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    assert history.moment(tmp_path).hour == 0


def test_no_git(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert history.dates(repository) == {}
    assert history.head(repository) == ""
