"""The whole site in one archive, to be read and searched from a folder, without a server.

The same site gives the same bytes: names are sorted, dates fixed.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from ssphub_book import archives, crawlers, learner, search

ARCHIVE = "cahiers-ssphub.zip"
FOLDER = "cahiers-ssphub"
# What needs a server or serves no reader: the index that is fetched, what programs read.
LEFT_OUT = (search.FOLDER, "_sources", "partage", crawlers.SECURITY.partition("/")[0])
LEFT_OUT_FILES = (
    ARCHIVE,
    learner.ARCHIVE,
    ".buildinfo",
    "404.html",
    "objects.inv",
    "robots.txt",
    crawlers.SITEMAP,
)
OPTIONS = "_static/documentation_options.js"
INDEX = "searchindex.js"
OWN_LINK = re.compile(rb'<li class="hors-ligne">.*?</li>', re.DOTALL)
NOTEBOOKS_LINK = re.compile(rb'href="[./]*' + re.escape(learner.ARCHIVE.encode()) + rb'"')


def pack(site: Path, before: Path, address: str = "") -> Path:
    """Write the archive in the site's own folder; `address`: where the site is published, with a slash.

    `before`: the last site, which may not exist; what its archive holds already is taken from it.
    """
    contents = ((f"{FOLDER}/{file}", _content(site, file, address)) for file in sorted(_files(site)))
    archives.write(site / ARCHIVE, contents, before / ARCHIVE)
    return site / ARCHIVE


def _files(site: Path) -> list[str]:
    paths = [path.relative_to(site) for path in site.rglob("*") if path.is_file()]
    kept = [path for path in paths if path.parts[0] not in LEFT_OUT]
    return [path.as_posix() for path in kept if path.as_posix() not in LEFT_OUT_FILES]


def _content(site: Path, file: str, address: str) -> bytes:
    content = (site / file).read_bytes()
    if file == OPTIONS:  # excerpts are fetched from the pages, which a browser refuses to a file
        content = content.replace(b"SHOW_SEARCH_SUMMARY: true", b"SHOW_SEARCH_SUMMARY: false")
    if file.endswith(".html"):  # the copy holds neither itself nor the data of the notebooks
        content = OWN_LINK.sub(b"", content)
        content = NOTEBOOKS_LINK.sub(f'href="{address}{learner.ARCHIVE}"'.encode(), content)
    return _without_stale_words(content) if file == INDEX else content


def _without_stale_words(script: bytes) -> bytes:
    """Sphinx's index less the words that no page holds any more, which it keeps from build to build."""
    text = script.decode("utf-8")
    start, end = text.index("{"), text.rindex("}") + 1
    index = json.loads(text[start:end])
    for words in ("terms", "titleterms"):
        index[words] = {word: pages for word, pages in index[words].items() if pages != []}
    return (text[:start] + json.dumps(index, sort_keys=True) + text[end:]).encode()
