"""Make Sphinx see what the chapter's outputs depend on: data, requirements, imported modules.

The text that MyST-NB reads bears the chapter's fingerprint, so that the cache answers only with
outputs of the same inputs; a page whose fingerprint changed is read again, and so are the pages that
quote its figures (`` {glue:text}`../chapter.md::key` ``).
"""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import dirname, join, normpath

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from ssphub_book import chapters, environment

QUOTED = re.compile(r"\{glue:\w*\}`([^`\s]+)\.md::")  # a figure of another page


def setup(app: Sphinx) -> dict:
    environment.activate()
    app.connect("source-read", _key)
    app.connect("env-get-outdated", _outdated)
    app.connect("env-purge-doc", _forget)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def _chapter(app: Sphinx, docname: str) -> chapters.Chapter | None:
    path = Path(app.srcdir, f"{docname}.md")
    if docname.startswith(f"{chapters.NOTEBOOKS}/") and path.is_file():
        return chapters.read(Path(app.srcdir), path)
    return None


def _key(app: Sphinx, docname: str, source: list[str]) -> None:
    if chapter := _chapter(app, docname):
        source[0] = chapter.keyed_text
        _known(app.env)[docname] = chapter.fingerprint
    for target in QUOTED.findall(source[0]):
        _quoted(app.env).setdefault(docname, set()).add(normpath(join(dirname(docname), target)))


def _outdated(app: Sphinx, env: BuildEnvironment, added, changed, removed) -> list[str]:
    found = {name: _chapter(app, name) for name in env.found_docs - added - changed}
    known = _known(env)
    stale = {name for name, c in found.items() if c and known.get(name) != c.fingerprint}
    quoting = [name for name, targets in _quoted(env).items() if targets & (stale | added | changed)]
    return [*stale, *quoting]


def _forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    _known(env).pop(docname, None)
    _quoted(env).pop(docname, None)


def _known(env: BuildEnvironment) -> dict[str, str]:
    if not hasattr(env, "chapter_fingerprints"):
        env.chapter_fingerprints = {}
    return env.chapter_fingerprints


def _quoted(env: BuildEnvironment) -> dict[str, set[str]]:
    """The pages whose figures each page quotes."""
    if not hasattr(env, "quoted_pages"):
        env.quoted_pages = {}
    return env.quoted_pages
