"""Execute stale chapters, in parallel processes, once, into the Jupyter cache.

A chapter that fails leaves the cache as it was: only a run that reached its last cell is kept.
"""

from __future__ import annotations

import copy
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from ssphub_book import assertions, figures, services
from ssphub_book.cache import Cache
from ssphub_book.chapters import Cell, Chapter

DEFAULT_LIMIT = 120  # seconds for one cell, where `_config.yml` says nothing
STARTS = 2  # times that a kernel may be started
PATIENCE = 20  # seconds that a worker has to stop its kernel
NOT_RUN = "Non exécuté ici"
LANGUAGE = {"name": "python", "pygments_lexer": "ipython3"}  # what the kernel says of itself
LEFT = (
    "le chapitre est fini et un programme qu'il a lancé tourne encore : arrêtez-le dans un « finally » "
    "ou dans une dernière cellule. {}"
)
EXPOSED = (
    "un programme du chapitre écoute sur le port {port} d'autres machines que celle-ci ({who}) : "
    "faites-le écouter sur 127.0.0.1."
)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Outcome:
    """What became of one cell: `ok`, `failed`, `not run` (a cell before it failed) or `no engine`."""

    cell: Cell
    status: str
    message: str = ""


@dataclass
class Run:
    """What became of one chapter. `notebook` is None where it did not reach its end."""

    chapter: Chapter
    outcomes: list[Outcome] = field(default_factory=list)
    notebook: NotebookNode | None = None
    seconds: float = 0.0
    cached: bool = False

    @property
    def failure(self) -> Outcome | None:
        return next((o for o in self.outcomes if o.status == "failed"), None)


def cell_limit(root: Path) -> int:
    """Time limit of one cell in seconds, as `_config.yml` sets it for Jupyter Book."""
    config = root / "_config.yml"
    settings = yaml.safe_load(config.read_text(encoding="utf-8")) if config.exists() else {}
    return int((settings.get("execute") or {}).get("timeout", DEFAULT_LIMIT))


def execute(
    chapters: Iterable[Chapter],
    *,
    report: Callable[[str], None] = lambda line: None,
    until: dict[str, int] | None = None,
    fresh: bool = False,
) -> dict[str, Run]:
    """Run the chapters that the cache does not hold; return a Run for each, by name.

    `until` bounds a chapter to its first cells (a run cut short is not kept); `fresh` ignores the
    cache and leaves it alone. Raises KeyboardInterrupt after stopping the kernels.
    """
    chapters, until, runs = list(chapters), until or {}, {}
    cache = Cache(chapters[0].root) if chapters and not fresh else None
    for chapter in chapters:
        notebook = cache.executed(chapter) if cache else None
        if notebook is not None:
            outcomes = _outcomes(chapter, notebook)
            runs[chapter.name] = Run(chapter, outcomes, notebook, cached=True)
    stale = [chapter for chapter in chapters if chapter.name not in runs]
    for run in run_all(sorted(stale, key=_weight, reverse=True), until, report):
        runs[run.chapter.name] = run
        if cache and run.notebook is not None:
            cache.store(run.chapter, run.notebook, run.seconds)
    return runs


def _weight(chapter: Chapter) -> tuple[bool, int]:
    """Longest first: chapters that start an engine, then those with the most cells."""
    return _has_engine(chapter), len(chapter.cells)


def _has_engine(chapter: Chapter) -> bool:
    return any("moteur" in cell.tags for cell in chapter.cells)


def _measures(chapter: Chapter) -> bool:
    return any("mesure" in cell.tags for cell in chapter.cells)


def _takes_all(chapter: Chapter) -> bool:
    return _has_engine(chapter) and _measures(chapter)


def _next(waiting: list[Chapter], running: Iterable[Chapter], cores: int) -> Chapter | None:
    """The first of those that may start now, if any.

    Chapters wait a third of their time, for programs, disks and timers: one more of them runs than there are
    cores, as long as those that measure durations have one each. Engines that are measured take every core:
    the second one lets the others go before it.
    """
    full = sum(map(_measures, running)) >= cores
    may = [chapter for chapter in waiting if not (full and _measures(chapter))]
    busy = any(map(_takes_all, running))
    return next((chapter for chapter in may if not (busy and _takes_all(chapter))), may[0] if may else None)


def run_all(
    chapters: list[Chapter],
    until: dict[str, int],
    report: Callable[[str], None],
    seconds: float | None = None,
) -> Iterator[Run]:
    """Run the chapters in parallel, whatever the cache holds; yield each Run as it ends.

    Closing the iterator, like Ctrl+C, stops the kernels that still run, and so does the end of
    `seconds`: the chapters that have not ended by then yield nothing.
    """
    if not chapters:
        return
    for chapter in chapters:
        chapter.parse()
    cores, waiting = os.cpu_count() or 1, list(chapters)
    workers = min(cores + 1, len(chapters))
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_quiet_worker)
    try:
        pending: dict[Future[Run], Chapter] = {}
        end = time.monotonic() + seconds if seconds is not None else None
        while waiting or pending:
            while len(pending) < workers and (chapter := _next(waiting, pending.values(), cores)):
                waiting.remove(chapter)
                pending[_submit(pool, chapter, until.get(chapter.name))] = chapter
            left = max(0, end - time.monotonic()) if end is not None else None
            done, _ = wait(pending, timeout=left, return_when=FIRST_COMPLETED)
            if not done:
                break
            for future in done:
                run = _result(future, pending.pop(future))
                report(describe(run))
                yield run
        if pending:
            _stop(pool)
        else:
            pool.shutdown()
    except BaseException:
        _stop(pool)
        raise


def _submit(pool: ProcessPoolExecutor, chapter: Chapter, until: int | None) -> Future[Run]:
    try:
        return pool.submit(_run_in_worker, chapter, until)
    except BrokenProcessPool as error:  # a worker was killed: the others end with it
        refused: Future[Run] = Future()
        refused.set_exception(error)
        return refused


def _quiet_worker() -> None:
    """Ctrl+C reaches the whole terminal: the parent alone decides, and stops the workers by SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)


def _leave(signum: int, frame: object) -> None:
    raise SystemExit(128 + signum)


def _run_in_worker(chapter: Chapter, until: int | None) -> Run:
    """What a worker does. SIGTERM ends the chapter, then the worker, which the pool would keep otherwise."""
    try:
        return run_chapter(chapter, until)
    except SystemExit as end:
        os._exit(end.code)


def _stop(pool: ProcessPoolExecutor) -> None:
    """Stop the workers, idle or not; one that does not end by itself is killed."""
    processes = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(PATIENCE)
        process.kill()
    pool.shutdown()


def _result(future: Future[Run], chapter: Chapter) -> Run:
    try:
        return future.result()
    except BrokenProcessPool:
        message = "le processus qui exécutait ce chapitre a été tué (mémoire insuffisante ?)."
        return not_run(chapter, message)


def run_chapter(chapter: Chapter, until: int | None = None) -> Run:
    """Run one chapter in a new kernel, in the chapter's folder, up to cell number `until` (or all).

    A kernel that dies while it starts, before any cell, is started once more: two kernels that
    start side by side can choose the same port.
    """
    for _ in range(STARTS):
        try:
            return _run_in_kernel(chapter, until)
        except RuntimeError as error:  # what jupyter_client raises where a kernel does not answer
            message = f"le noyau Python n'a pas démarré ({error})."
    return not_run(chapter, message)


def not_run(chapter: Chapter, message: str) -> Run:
    """A chapter of which no cell ran; the first one bears the message."""
    first, *others = chapter.cells
    outcomes = [Outcome(first, "failed", message), *(Outcome(c, "not run") for c in others)]
    return Run(chapter, outcomes)


def _run_in_kernel(chapter: Chapter, until: int | None) -> Run:
    from nbclient import NotebookClient

    notebook = copy.deepcopy(chapter.notebook)
    client = NotebookClient(
        notebook,
        timeout=cell_limit(chapter.root),
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,  # however the kernel cuts what a cell prints
        resources={"metadata": {"path": str(chapter.path.parent)}},
    )
    notebook.metadata["language_info"] = LANGUAGE
    run, started = Run(chapter), time.monotonic()
    indices = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    # The kernel's own chatter goes nowhere; what cells write to stderr is kept.
    with services.watch() as watch, client.setup_kernel(stderr=subprocess.DEVNULL, env=watch.environment):
        for cell, index in zip(chapter.cells, indices, strict=True):
            if run.failure or (until is not None and cell.number > until):
                run.outcomes.append(Outcome(cell, "not run"))
                continue
            outcome = _run_cell(client, notebook.cells[index], index, cell, chapter)
            run.outcomes.append(_alone(outcome, watch))
    run.seconds = time.monotonic() - started
    left = watch.stop()
    if left and not any(outcome.status in {"failed", "not run"} for outcome in run.outcomes):
        run.outcomes[-1] = Outcome(chapter.cells[-1], "failed", LEFT.format("\n".join(left)))
    if all(outcome.status in {"ok", "no engine"} for outcome in run.outcomes):
        run.notebook = notebook
    return run


def _alone(outcome: Outcome, watch: services.Watch) -> Outcome:
    """The outcome of a cell, failed where a program of the chapter can be reached from another machine."""
    watch.look()
    if not watch.exposed:
        return outcome
    port, who = next(iter(watch.exposed.items()))
    return Outcome(outcome.cell, "failed", EXPOSED.format(port=port, who=who))


def _run_cell(client, node: NotebookNode, index: int, cell: Cell, chapter: Chapter) -> Outcome:
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from nbformat.validator import NotebookValidationError

    try:
        client.execute_cell(node, index)
    except CellExecutionError as error:
        return Outcome(cell, "failed", _explain(error, client, node, cell, chapter))
    except CellTimeoutError:
        message = (
            f"la cellule n'a pas fini après {client.timeout} s (limite « execute: timeout » de "
            "_config.yml) : allégez-la, ou cherchez ce qui la bloque."
        )
        return Outcome(cell, "failed", message)
    except DeadKernelError:
        message = "le noyau Python s'est arrêté pendant cette cellule (mémoire, ou processus tué)."
        return Outcome(cell, "failed", message)
    except NotebookValidationError:
        message = (
            "elle affiche une sortie qu'un notebook ne peut pas garder ; avec Altair, retirez "
            "« alt.renderers.enable(…) »."
        )
        return Outcome(cell, "failed", message)
    for output in node.outputs:
        if html := output.get("data", {}).get("text/html"):
            output["data"]["text/html"] = figures.steady(html)
    return _outcome(cell, node)


def _explain(error, client, node: NotebookNode, cell: Cell, chapter: Chapter) -> str:
    """`ValueError: … (file:line)`: the line is that of the chapter, found in the traceback."""
    frames = "\n".join(line for o in node.outputs for line in o.get("traceback", []))
    inside = re.findall(r"Cell In\[\d+\], line (\d+)|^-+> (\d+) ", ANSI.sub("", frames), re.MULTILINE)
    line = int(next(filter(None, inside[0]))) if inside else 1
    cause = ANSI.sub("", f"{error.ename}: {error.evalue}").strip().removesuffix(":")
    if error.ename == "AssertionError":
        why = assertions.explain(cell.source, line, lambda code: _printed(client, code))
        cause = " ".join(filter(None, [cause, why and f"[{why}]"]))
    return f"{cause} (ligne {cell.line + line - 1} de {chapter.file})"


def _printed(client, code: str) -> str:
    """What the kernel prints when it runs this code; what was printed before, where it fails."""
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    node = new_code_cell(code)
    with suppress(CellExecutionError, CellTimeoutError, DeadKernelError):
        client.execute_cell(node, 0)
    return "".join(o.text for o in node.outputs if o.output_type == "stream" and o.name == "stdout")


def _outcomes(chapter: Chapter, notebook: NotebookNode) -> list[Outcome]:
    nodes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [_outcome(cell, node) for cell, node in zip(chapter.cells, nodes, strict=True)]


def _outcome(cell: Cell, node: NotebookNode) -> Outcome:
    """A cell that says it found no engine is told apart: the tests skip it, or fail in CI."""
    text = "".join(o.get("text", "") for o in node.outputs if o.output_type == "stream")
    said = next((line for line in text.splitlines() if line.startswith(NOT_RUN)), None)
    return Outcome(cell, "no engine", said) if said else Outcome(cell, "ok")


def describe(run: Run) -> str:
    """One line for the author: what ran and how long, or the first failure with file and line."""
    if run.failure is None:
        ran = [o for o in run.outcomes if o.status != "not run"]
        return f"  {run.chapter.file}  {len(ran)} cellules en {run.seconds:.1f} s"
    failed = run.failure
    return f"{run.chapter.file}:{failed.cell.line}  cellule {failed.cell.number} : {failed.message}"
