"""Make Sphinx see what a page depends on besides its own text, and nothing more.

A chapter's outputs depend on data, requirements, imported modules; a list of chapters, on their titles.

The text that MyST-NB reads bears the chapter's fingerprint, so that the cache answers only with
outputs of the same inputs; a page whose fingerprint changed is read again, and so are the pages that
quote its figures (`` {glue:text}`../chapter.md::key` ``). A page that shows something of the chapters says
what by `shows`: it is read again once that changes, and not at each edit of their prose. After a rendering
that did not reach its end, every page is read again: Sphinx may have noted what it had no time to write.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import TypeVar

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from ssphub_book import chapters, environment

UNFINISHED = ".unfinished"  # in the folder of the doctrees, while a rendering goes on
QUOTED = re.compile(r"\{glue:\w*\}`([^`\s]+)\.md::")  # a figure of another page
Shown = TypeVar("Shown")


def book(env: BuildEnvironment) -> dict[str, chapters.Chapter]:
    """Every chapter by its name, read once for the whole rendering."""
    if not hasattr(env.app, "chapters"):
        env.app.chapters = {chapter.name: chapter for chapter in chapters.find(Path(env.srcdir))}
    return env.app.chapters


def shows(env: BuildEnvironment, make: Callable[..., Shown], *given: object) -> Shown:
    """Return `make(book, *given)`, and have the page that is read now be read again once it gives another.

    `make` is a function of a module and what is given can be hashed: the environment pickles them. What it
    gives is compared by its `repr`.
    """
    shown = make(book(env), *given)
    _views(env).setdefault(env.docname, {})[make, given] = _digest(shown)
    return shown


def setup(app: Sphinx) -> dict:
    environment.activate()
    app.connect("builder-inited", _begin)
    app.connect("build-finished", _end)
    app.connect("source-read", _key)
    app.connect("env-get-outdated", _outdated)
    app.connect("env-purge-doc", _forget)
    # What it notes in the environment is not merged from one process to another.
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}


def _begin(app: Sphinx) -> None:
    mark = Path(app.doctreedir, UNFINISHED)
    app.left_unfinished = mark.exists()
    mark.touch()


def _end(app: Sphinx, exception: Exception | None) -> None:
    if exception is None:
        Path(app.doctreedir, UNFINISHED).unlink(missing_ok=True)


def _chapter(env: BuildEnvironment, docname: str) -> chapters.Chapter | None:
    folder, _, name = docname.partition("/")
    return book(env).get(name) if folder == chapters.NOTEBOOKS else None


def _key(app: Sphinx, docname: str, source: list[str]) -> None:
    if chapter := _chapter(app.env, docname):
        source[0] = chapter.keyed_text
        _known(app.env)[docname] = chapter.fingerprint
    for target in QUOTED.findall(source[0]):
        _quoted(app.env).setdefault(docname, set()).add(normpath(join(dirname(docname), target)))


def _outdated(app: Sphinx, env: BuildEnvironment, added, changed, removed) -> list[str]:
    if app.left_unfinished:
        return list(env.found_docs - added)
    found = {name: _chapter(env, name) for name in env.found_docs - added - changed}
    known = _known(env)
    stale = {name for name, c in found.items() if c and known.get(name) != c.fingerprint}
    quoting = [name for name, targets in _quoted(env).items() if targets & (stale | added | changed)]
    return [*stale, *quoting, *_showing(env)]


def _showing(env: BuildEnvironment) -> list[str]:
    """The pages that show something else than what the chapters say now."""
    views = {view: digest for known in _views(env).values() for view, digest in known.items()}
    now = {(make, given): _now(make, book(env), *given) for make, given in views}
    return [name for name, known in _views(env).items() if any(now[view] != known[view] for view in known)]


def _now(make: Callable, known: dict[str, chapters.Chapter], *given: object) -> str:
    try:
        return _digest(make(known, *given))
    except chapters.ChapterError:
        return ""  # the page is read, and says so


def _digest(shown: object) -> str:
    return hashlib.sha256(repr(shown).encode()).hexdigest()


def _forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    _known(env).pop(docname, None)
    _quoted(env).pop(docname, None)
    _views(env).pop(docname, None)


def _known(env: BuildEnvironment) -> dict[str, str]:
    if not hasattr(env, "chapter_fingerprints"):
        env.chapter_fingerprints = {}
    return env.chapter_fingerprints


def _quoted(env: BuildEnvironment) -> dict[str, set[str]]:
    """The pages whose figures each page quotes."""
    if not hasattr(env, "quoted_pages"):
        env.quoted_pages = {}
    return env.quoted_pages


def _views(env: BuildEnvironment) -> dict[str, dict[tuple, str]]:
    """What each page shows of others: a function, what it was given, and a hash of what it gave."""
    if not hasattr(env, "shown_views"):
        env.shown_views = {}
    return env.shown_views
