"""The executed notebooks: Jupyter's own cache, shared by the build, the tests and `jupyter-book`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.db import NbCacheRecord
from nbformat import NotebookNode

from ssphub_book import kept
from ssphub_book.chapters import Chapter

FOLDER = "_build/.jupyter_cache"
Made = TypeVar("Made")


@dataclass(frozen=True)
class LastRun:
    """An execution that the cache holds; `seconds` is None where Jupyter Book itself made it."""

    moment: datetime
    seconds: float | None


class Cache:
    """Executed notebooks by the hash of their code, kernel and fingerprint."""

    def __init__(self, root: Path):
        self._cache = get_cache(str(root / FOLDER))
        # The first call creates the database, before two processes could.
        self._runs = {record.hashkey: _last_run(record) for record in self._cache.list_cache_records()}

    def executed(self, chapter: Chapter) -> NotebookNode | None:
        """The executed notebook of the chapter, or None where it has to run (again)."""
        try:
            return self._cache.merge_match_into_notebook(chapter.notebook)[1]
        except KeyError:
            return None

    def of(self, chapter: Chapter, subject: str, make: Callable[[NotebookNode], Made]) -> Made:
        """What `make` gives for the executed notebook of a chapter; kept as long as it is that execution.

        Raises KeyError where the chapter has to run first.
        """
        last = self.last_run(chapter)
        if last is None:
            raise KeyError(chapter.name)
        text = f"{chapter.keyed_text}\0{last.moment.isoformat()}"
        return kept.of(chapter.root, chapter.file, subject, text, lambda: make(self.executed(chapter)))

    def last_run(self, chapter: Chapter) -> LastRun | None:
        """When the kept execution of the chapter was made, and how long it took; None where none is."""
        key = self._key(chapter)
        if key not in self._runs:
            try:
                record = NbCacheRecord.record_from_hashkey(key, self._cache.db)
            except KeyError:
                return None
            self._runs[key] = _last_run(record)
        return self._runs[key]

    def _key(self, chapter: Chapter) -> str:
        """What Jupyter's cache knows the chapter by."""

        def key() -> str:
            return self._cache.create_hashed_notebook(chapter.notebook)[1]

        return kept.of(chapter.root, chapter.file, "cle", chapter.keyed_text, key)

    def store(self, chapter: Chapter, notebook: NotebookNode, seconds: float) -> None:
        """Keep a chapter that ran to its end, unless another process kept the same one meanwhile."""
        if self.executed(chapter) is not None:
            return
        bundle = CacheBundleIn(notebook, str(chapter.path), data={"execution_seconds": seconds})
        self._cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def _last_run(record: NbCacheRecord) -> LastRun:
    return LastRun(record.created, record.data.get("execution_seconds"))
