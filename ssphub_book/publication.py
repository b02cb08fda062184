"""Build the site and put it in place: Sphinx in a staging folder, what follows it, then one swap.

Whatever fails, or is interrupted, leaves the last good site of `_build/html` as it was.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import shutil
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import partial
from pathlib import Path

from ssphub_book import (
    chapters,
    contract,
    crawlers,
    execution,
    feeds,
    history,
    network,
    notebooks,
    offline,
    pages,
    processes,
    search,
    settings,
)
from ssphub_book.cache import Cache

SITE = "_build/html"
STAGING = "_build/staging"
LOCK = "_build/lock"
BUSY = "une autre construction du livre est en cours : attendez sa fin."
STATE = "_build/published"  # what the published site was made from
PAGES = ("book", "notebooks")
HEAD_START = 2  # seconds that the contract has before chapters start to run: it is long on a new clone alone
BREACH = "ne respecte pas le contrat des chapitres"
PAUSE = 0.3  # seconds between two looks at the pages that are being written
PACKAGE = Path(__file__).resolve().parent
NOT_SHOWN = ("contract", "preview", "template")  # parts of the package that no page comes from


class BuildError(Exception):
    """The build stopped; the message tells the author in French where and what to do."""


def build(root: Path, report: Callable[[str], None] = print) -> Path:
    """Check, execute, render and publish the book; return the folder of the site.

    Raises BuildError with every finding, and leaves the published site untouched.
    """
    root = root.resolve()
    with alone(root / LOCK, BUSY):
        book, shared = chapters.find(root), _shared(root)
        state = _state(root, book, shared)
        if state and state == _published(root) and _is_executed(root, book):
            report("Rien n'a changé depuis la dernière construction.")
            return root / SITE
        processes.prepare()
        with _Contract(root) as checked:
            if not _is_executed(root, book):
                checked.heed(HEAD_START)
            _execute(root, book, lambda line: (report(line), checked.heed()))
            with _rendering(root, shared) as job:
                checked.heed(None)
                made = notebooks.offered(root, root / SITE) if settings.read(root).address else {}
                rendered = _rendered(root, job, shared, book)
        report("Pages rendues par Jupyter Book.")
        _check_pages(root, rendered)
        site = _publish(root, rendered, book, made)
        (root / STATE).write_text(state or "")
        return site


@contextmanager
def alone(lock: Path, busy: str) -> Iterator[None]:
    """Hold a lock. Raises BuildError with `busy` where another process does, or its folder is read-only."""
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = lock.open("a+")
    except OSError as error:
        message = f"impossible d'écrire dans {lock.parent} ({error.strerror}) : vérifiez les droits."
        raise BuildError(message) from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildError(busy) from None
        yield


class _Contract:
    """The check of the contract, beside the execution of the chapters and the rendering of the pages."""

    def __init__(self, root: Path):
        self._job: processes.Job | None = processes.Job(_findings, root)

    def __enter__(self) -> _Contract:
        return self

    def __exit__(self, *error: object) -> None:
        if self._job:
            self._job.stop()

    def heed(self, within: float | None = 0) -> None:
        """Raises BuildError once the book is known to break it; waits so many seconds for it, or for good."""
        if self._job and self._job.has_ended(within):
            findings, self._job = self._job.result(), None
            _refuse(findings, BREACH)


def _findings(root: Path) -> list[contract.Finding]:
    return contract.check_book(chapters.find(root), root)


def _refuse(findings: list[contract.Finding], what: str) -> None:
    """Raises BuildError where a finding stops the build; an advice does not."""
    errors = [finding for finding in findings if finding.blocking]
    if errors:
        lines = "\n".join(map(str, errors))
        raise BuildError(f"{lines}\nLe livre {what} : {len(errors)} point(s) à corriger.")


def _execute(root: Path, book: list[chapters.Chapter], report: Callable[[str], None]) -> None:
    """Run the chapters that have to; raises BuildError where one fails, or has outputs to mend."""
    cache = Cache(root)
    stale = [chapter for chapter in book if cache.last_run(chapter) is None]
    runs = execution.execute(stale, report=report)
    failures = [execution.describe(run) for run in runs.values() if run.failure]
    if failures:
        lines = "\n".join(failures)
        raise BuildError(f"{lines}\nLe livre n'est pas construit ; le dernier site publié est intact.")
    report(f"{len(stale)} chapitre(s) exécuté(s), {len(book) - len(stale)} repris du cache.")
    findings = [cache.of(chapter, "sorties", partial(contract.check_outputs, chapter)) for chapter in book]
    _refuse([finding for some in findings for finding in some], "a des sorties à corriger")


def _published(root: Path) -> str | None:
    """What the published site was made from; None where there is no whole site."""
    state = root / STATE
    whole = (root / SITE / "index.html").is_file() and state.is_file()
    return state.read_text() if whole else None


@contextmanager
def _rendering(root: Path, shared: str) -> Iterator[processes.Job]:
    """Run Jupyter Book itself, warnings as errors, into the staging folder, beside what this process does.

    What refuses the book meanwhile waits for its end: pages half made would all have to be made again.
    """
    command = ["build", ".", "--path-output", STAGING, "-W", "-n", "--keep-going"]
    stamp = root / STAGING / "shared"
    if not stamp.is_file() or stamp.read_text() != shared:
        command.append("--all")  # every page shows the menu: Sphinx would leave the unchanged ones
        stamp.unlink(missing_ok=True)
    job = processes.Job(_jupyter_book, root, command)
    try:
        yield job
    except (BuildError, chapters.ChapterError):
        job.wait()
        raise
    except BaseException:
        job.stop()
        raise


def _rendered(root: Path, job: processes.Job, shared: str, book: list[chapters.Chapter]) -> Path:
    """Wait for the folder of the pages. Raises BuildError where a page cannot be made."""
    folder = root / STAGING / "_build" / "html"
    _read_ahead(root, folder, job, book)
    said = job.result()
    if said is not None:
        raise BuildError(f"{_warnings(root, said)}\nLe dernier site publié est intact.")
    (root / STAGING / "shared").write_text(shared)
    return folder


def _read_ahead(root: Path, folder: Path, job: processes.Job, book: list[chapters.Chapter]) -> None:
    """Read pages for the index as soon as they are written, while the job goes on: it leaves a core idle."""
    pages = [folder / f"{file}.html" for file in contract.table_of_contents(root)]
    keywords, read = search.keywords(book), _times(pages)
    while not job.has_ended(within=PAUSE):
        written = {page: time for page, time in _times(pages).items() if read.get(page) != time}
        for page, time in written.items():
            if job.has_ended():
                break
            with suppress(UnicodeDecodeError):  # a page cut short: it is read again with the others
                search.read(folder, page, keywords, root)
            read[page] = time


def _times(pages: list[Path]) -> dict[Path, int]:
    return {page: page.stat().st_mtime_ns for page in pages if page.is_file()}


def _jupyter_book(root: Path, command: list[str]) -> str | None:
    """Run the command of Jupyter Book; return what it said where it failed, None where all is well."""
    from jupyter_book.cli.main import main

    os.chdir(root)
    said = io.StringIO()
    with redirect_stdout(io.StringIO()), redirect_stderr(said):
        try:
            main(command, standalone_mode=False)
        except (Exception, SystemExit):
            traceback.print_exc()
            return said.getvalue()
    return None


def _shared(root: Path) -> str:
    """Hash of what every page shows: configuration, contents, titles of pages, theme."""
    digest = hashlib.sha256()
    package = [path for path in PACKAGE.rglob("*") if path.relative_to(PACKAGE).parts[0] not in NOT_SHOWN]
    for path in (root / "_config.yml", root / "_toc.yml", *sorted(package)):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.read_bytes())
    for file in contract.table_of_contents(root):
        page = chapters.read(root, root / f"{file}.md")
        digest.update(repr([title for _, level, title in page.headings if level == 1]).encode())
    return digest.hexdigest()


def _state(root: Path, book: list[chapters.Chapter], shared: str) -> str | None:
    """Hash of all that the site is made from: what pages share, their files, what outputs depend on,
    the rules, the commit, which dates come from. None where a chapter's header cannot be read."""
    digest = hashlib.sha256((shared + history.head(root)).encode())
    try:
        for chapter in book:
            digest.update(chapter.keyed_text.encode())
    except chapters.ChapterError:
        return None
    folders = (*(root / folder for folder in PAGES), *(PACKAGE / part for part in NOT_SHOWN))
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _is_executed(root: Path, book: list[chapters.Chapter]) -> bool:
    cache = Cache(root)
    try:
        return all(cache.last_run(chapter) for chapter in book)
    except chapters.ChapterError:
        return False  # the contract says so, with the other findings


def _warnings(root: Path, said: str) -> str:
    said = execution.ANSI.sub("", said).replace(f"{root}/", "")
    lines = [line for line in said.splitlines() if re.search(r"WARNING|ERROR|Error", line)]
    return "\n".join(lines or said.splitlines()[-15:])


def _check_pages(root: Path, rendered: Path) -> None:
    """Every file of the table of contents has its page: a silent empty build is refused."""
    expected = [f"{file}.html" for file in contract.table_of_contents(root)]
    missing = [page for page in expected if not (rendered / page).is_file()]
    if missing or not expected:
        raise BuildError(f"pages absentes du site rendu : {', '.join(missing) or 'toutes'}.")


def _publish(root: Path, rendered: Path, book: list[chapters.Chapter], made: dict[str, bytes]) -> Path:
    """Copy, add what follows Sphinx, and swap the new site into place."""
    site, following, previous = root / SITE, root / f"{SITE}.next", root / f"{SITE}.previous"
    if previous.exists() and not site.exists():
        previous.rename(site)  # a swap that was interrupted between its two renames
    for leftover in (following, previous):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(rendered, following)
    with ThreadPoolExecutor(1) as beside:  # the indexer is a program, which leaves this process idle
        indexed = beside.submit(search.index, following, site, book, root)
        _add(root, following, made)
        indexed.result()
    if site.exists():
        site.rename(previous)
    os.replace(following, site)
    shutil.rmtree(previous, ignore_errors=True)
    return site


def _add(root: Path, site: Path, made: dict[str, bytes]) -> None:
    """The notebooks (`made`) and what programs read, where the book has an address that they can give; then
    the archive of it all."""
    for name, content in made.items():
        (site / name).write_bytes(content)
    known = settings.read(root)
    if known.address:
        found, moment, entries = pages.find(site, root), history.moment(root), network.read(root)
        crawlers.write(site, known, found, moment)
        feeds.write(site, known, found, entries, moment)
        if entries.entries:
            network.write(site, known.title, known.address, entries)
    offline.pack(site, root / SITE, known.address)
