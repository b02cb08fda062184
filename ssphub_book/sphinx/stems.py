"""Sphinx's own search index, each French word of the book stemmed once: it does so once for each page."""

from __future__ import annotations

from functools import cache

from sphinx.application import Sphinx
from sphinx.search.fr import SearchFrench


class French(SearchFrench):
    """Sphinx's French, which remembers the stems it has made."""

    def init(self, options: dict[str, str]) -> None:
        super().init(options)
        self.stem = cache(self.stem)


def setup(app: Sphinx) -> dict[str, object]:
    app.add_search_language(French)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
