"""The executed notebooks: Jupyter's own cache, shared by the build, the tests and `jupyter-book`."""

from __future__ import annotations

from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbformat import NotebookNode

from ssphub_book.chapters import Chapter

FOLDER = "_build/.jupyter_cache"


class Cache:
    """Executed notebooks by the hash of their code, kernel and fingerprint."""

    def __init__(self, root: Path):
        self._cache = get_cache(str(root / FOLDER))
        self._cache.list_cache_records()  # creates the database before two processes could

    def executed(self, chapter: Chapter) -> NotebookNode | None:
        """The executed notebook of the chapter, or None where it has to run (again)."""
        try:
            return self._cache.merge_match_into_notebook(chapter.notebook)[1]
        except KeyError:
            return None

    def seconds(self, chapter: Chapter) -> float | None:
        """How long its last execution took."""
        try:
            return self._cache.match_cache_notebook(chapter.notebook).data.get("execution_seconds")
        except KeyError:
            return None

    def store(self, chapter: Chapter, notebook: NotebookNode, seconds: float) -> None:
        """Keep a chapter that ran to its end, unless another process kept the same one meanwhile."""
        if self.executed(chapter) is not None:
            return
        bundle = CacheBundleIn(notebook, str(chapter.path), data={"execution_seconds": seconds})
        self._cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
