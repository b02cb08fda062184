"""The preview's loop: what changed is checked, executed where it is stale, rendered and shown."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

import yaml

from ssphub_book import chapters, contract, execution, ports, publication
from ssphub_book.cache import Cache
from ssphub_book.chapters import Chapter, ChapterError
from ssphub_book.contract import MEND, Finding
from ssphub_book.preview import rendering
from ssphub_book.preview.executions import Executions
from ssphub_book.preview.mirror import Mirror
from ssphub_book.preview.progress import Progress
from ssphub_book.preview.server import Server, Status
from ssphub_book.preview.watching import Watcher

LOCK = f"{rendering.FOLDER}/verrou"
BUSY = "un aperçu de ce livre est déjà ouvert : arrêtez-le d'abord (Ctrl+C dans son terminal)."
CONTENTS = ("_config.yml", "_toc.yml")
INNER_LINE = re.compile(r"\(ligne (\d+) de ")
PROBE = "import ssphub_book.preview.loop, ssphub_book.warm"


def run(
    root: Path, port: int | None, wanted: Path | None = None, report: Callable[[str], None] = print
) -> None:
    """Serve the preview until Ctrl+C; `wanted`: the page to open. Where it is named, the other chapters that
    are not executed wait until they are saved. Without a `port`, the first free one is taken.

    Raises BuildError where another preview of the book runs, ChapterError where `wanted` is not there,
    PortTaken where the port is.
    """
    root = root.resolve()
    page = _page(root, wanted)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks
            signal.signal(number, signal.default_int_handler)
    with publication.alone(root / LOCK, BUSY):
        server = ports.take(partial(Server, root / rendering.SITE), port, "preview", report)
        progress = Progress(report)
        preview = Preview(root, server, progress, f"{page}.md" if wanted else "")
        try:
            with progress:
                preview.update(None)
            report(f"L'aperçu est prêt : {server.address(page)} (Ctrl+C pour arrêter)")
            preview.tell_what_is_left()
            preview.follow()
        except KeyboardInterrupt:
            report("\nAperçu arrêté.")
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl+C would leave kernels behind
            preview.close()
            server.close()
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _page(root: Path, wanted: Path | None) -> str:
    """The page to open: that of the file wanted, or of the page of the book that changed last."""
    if wanted:
        return chapters.read(root, wanted).file.removesuffix(".md")
    try:
        known = [file for file in contract.table_of_contents(root) if (root / f"{file}.md").is_file()]
    except (OSError, yaml.YAMLError):
        known = []
    return max(known, key=lambda file: (root / f"{file}.md").stat().st_mtime, default="index")


class Preview:
    """The state of the preview: findings by kind and file, versions of the pages rendered."""

    def __init__(self, root: Path, server: Server, progress: Progress, wanted: str = ""):
        self._root, self._server, self._progress, self._wanted = root, server, progress, wanted
        self._report = progress.say
        self._queue: SimpleQueue[set[Path] | execution.Run] = SimpleQueue()
        self._mirror = Mirror(root, root / rendering.MIRROR)
        self._executions = Executions(self._queue)
        self._cache = Cache(root)
        self._taken: dict[str, tuple[str, set[str]]] = {}  # text and contents that a chapter was checked with
        self._executed: dict[str, tuple[Chapter, object]] = {}  # outputs that wait to be checked
        self._with_outputs: set[str] = set()  # the chapters whose outputs were shown
        self._found: dict[tuple[str, str], list[Finding]] = {}
        self._versions: dict[str, str] = {}
        self._toc: set[str] = set()
        self._watcher = Watcher(root, rendering.PACKAGE, self._queue)
        self._rendering: rendering.Job | None = None

    def follow(self) -> None:
        """Deal with what happens, for ever."""
        while True:
            events = [self._queue.get()]
            while True:
                try:
                    events.append(self._queue.get_nowait())
                except Empty:
                    break
            changed = set().union(*(event for event in events if isinstance(event, set)))
            ended = [event for event in events if isinstance(event, execution.Run)]
            self.update(changed, ended)

    def update(self, changed: set[Path] | None, ended: Iterable[execution.Run] = ()) -> None:
        """Take in the files that changed (None: look at all of them) and the chapters that ran."""
        started = time.monotonic()
        before = {str(finding) for found in self._found.values() for finding in found}
        if changed and any(_is_code(path) for path in changed):
            self._restart()
        for run in ended:
            self._end(run)
        if ended:
            self.tell_what_is_left()
        if changed is None:
            self._progress.step("Préparation de l'aperçu : lecture des pages…")
        if changed is None or changed:
            self._mirror.follow()
            self._read_contents()
            self._read_pages(changed)
            self._read_chapters(changed)
        if changed is None:
            self._progress.step(f"Préparation de l'aperçu (chapitres {self._share()}) : rendu des pages…")
        shown = self._render()
        self._tell()
        self._check_outputs()
        self._tell()
        self._say(before, shown, time.monotonic() - started)

    def tell_what_is_left(self) -> None:
        """Say that chapters are still executed, where some are."""
        if self._executions.files:
            self._report(f"Chapitres {self._share()} ; la page des autres se mettra à jour seule.")

    def _share(self) -> str:
        waiting = set(self._executions.files)
        done = len(self._with_outputs - waiting)
        return f"exécutés : {done} sur {done + len(waiting)}"

    def close(self) -> None:
        self._watcher.close()
        self._executions.close()
        if self._rendering:
            self._rendering.stop()

    # --- reading ---------------------------------------------------------------------------

    def _read_contents(self) -> None:
        """The two files of Jupyter Book: the mirror keeps the last ones that can be read."""
        for file in CONTENTS:
            self._set("lecture", file, [])
            try:
                text = (self._root / file).read_text(encoding="utf-8")
                if not isinstance(yaml.safe_load(text), dict):
                    raise ValueError("des clés « nom: valeur » sont attendues")
            except yaml.MarkedYAMLError as error:
                line = error.problem_mark.line + 1 if error.problem_mark else 1
                self._set("lecture", file, [_unreadable(file, line, error.problem)])
            except (OSError, ValueError) as error:
                self._set("lecture", file, [_unreadable(file, 1, error)])
            else:
                self._read_content(file, text)

    def _read_content(self, file: str, text: str) -> None:
        if file == "_toc.yml":
            from sphinx_external_toc.parsing import MalformedError, parse_toc_data

            try:
                parse_toc_data(yaml.safe_load(text))
            except MalformedError as error:
                return self._set("lecture", file, [_unreadable(file, 1, error)])
            self._toc = set(contract.table_of_contents(self._root))
            self._set(
                "lecture", file, contract.contents.absent(self._root, contract.table_of_contents(self._root))
            )
        self._mirror.put(file, text)

    def _read_pages(self, changed: set[Path] | None) -> None:
        """Check the pages that changed and are no chapter."""
        for file in (file for file in self._toc if not file.startswith(f"{chapters.NOTEBOOKS}/")):
            path = self._root / f"{file}.md"
            if (changed is None or path in changed) and path.is_file():
                page = chapters.read(self._root, path)
                self._set("lecture", page.file, contract.check_page(page, self._toc))

    def _read_chapters(self, changed: set[Path] | None) -> None:
        """Look at the chapters that changed; at all of them where what they rest on did."""
        found = {chapter.file: chapter for chapter in self._chapters()}
        for file in set(self._taken) - set(found):
            self._forget(file)
        saved = {file for file in found if self._root / file in (changed or ())}
        rest = changed is None or any(path.suffix != ".md" for path in changed)
        for file in found if rest else saved:
            self._read(found[file], file in saved)

    def _chapters(self) -> Iterable[Chapter]:
        """The chapters whose file can be read."""
        for path in sorted((self._root / chapters.NOTEBOOKS).glob("*/*.md")):
            if path.parent.name == "data":
                continue
            try:
                yield chapters.read(self._root, path)
            except ChapterError as error:
                file = path.relative_to(self._root).as_posix()
                self._taken[file] = ("", set())
                self._set("lecture", file, [Finding(file, 1, "lecture", error.message, MEND)])

    def _read(self, chapter: Chapter, saved: bool) -> None:
        """Check a chapter and show it as soon as its outputs are known."""
        self._mirror.put_waiting(chapter)
        try:
            taken = chapter.keyed_text, self._toc
            if self._taken.get(chapter.file) == taken and not saved:
                return
            chapter.parse()
        except ChapterError as error:
            self._executions.stop(chapter.file)
            self._taken[chapter.file] = ("", self._toc)
            unread = Finding(chapter.file, error.line, "lecture", error.message, MEND)
            self._set("lecture", chapter.file, [unread])
            return
        self._taken[chapter.file] = taken
        self._set("lecture", chapter.file, contract.check_all([chapter], self._toc))
        notebook = self._cache.executed(chapter)
        if notebook is not None:
            self._executions.stop(chapter.file)
            self._show(chapter, notebook)
        elif self._wanted and chapter.file != self._wanted and not saved:
            self._report(f"{chapter.file} : pas encore exécuté ; « make book » l'exécute, ou une retouche.")
        elif not self._executions.has(chapter):
            self._report(f"{chapter.file} : exécution…")
            self._executions.start(chapter)

    def _forget(self, file: str) -> None:
        del self._taken[file]
        self._executions.stop(file)
        self._with_outputs.discard(file)
        for kind in ("lecture", "cellules", "sorties", "sphinx"):
            self._set(kind, file, [])

    # --- executing -------------------------------------------------------------------------

    def _end(self, run: execution.Run) -> None:
        """What an execution gave: outputs to show, or the cell that failed."""
        if not self._executions.ended(run):
            return
        self._report(execution.describe(run))
        if run.notebook is None:
            failed = run.failure
            inner = INNER_LINE.search(failed.message)
            line = int(inner[1]) if inner else failed.cell.line
            message = f"la cellule {failed.cell.number} échoue : {failed.message}"
            failure = Finding(run.chapter.file, line, "cellule", message, "corrigez la cellule.")
            self._set("cellules", run.chapter.file, [failure])
            return
        self._cache.store(run.chapter, run.notebook, run.seconds)
        self._show(run.chapter, run.notebook)

    def _show(self, chapter: Chapter, notebook: object) -> None:
        self._set("cellules", chapter.file, [])
        self._with_outputs.add(chapter.file)
        self._executed[chapter.file] = chapter, notebook
        self._mirror.put(chapter.file, chapter.keyed_text)

    def _check_outputs(self) -> None:
        """Once the page is shown, for it takes a while: drawings are drawn."""
        for file, (chapter, notebook) in self._executed.items():
            self._set("sorties", file, contract.check_outputs(chapter, notebook))
        self._executed.clear()

    # --- rendering -------------------------------------------------------------------------

    def _render(self) -> str:
        """Render the mirror where it changed; return the names of what is shown anew."""
        whole = rendering.is_stale(self._root)
        if not (self._mirror.changed or whole) or not all(map(self._mirror.has, CONTENTS)):
            return ""
        self._tell("Mise à jour de la page…")
        self._rendering = rendering.job(self._root)
        try:
            rendered = self._rendering.result()
        except EOFError:
            message, remedy = "Sphinx s'est arrêté sans rien dire.", "enregistrez une page pour le relancer."
            stopped = Finding("_config.yml", 1, "rendu", message, remedy)
            rendered = rendering.Rendered(findings=[stopped], failed=True)
        self._rendering = None
        self._keep(rendered)
        self._versions |= rendered.pages
        if rendered.failed:
            return ""
        shown = "toutes les pages" if whole else ", ".join(sorted(self._mirror.changed))
        self._mirror.changed.clear()
        return shown

    def _keep(self, rendered: rendering.Rendered) -> None:
        """Sphinx speaks of the pages that it wrote: what it said of others still holds."""
        renewed = {f"{page}.md" for page in rendered.pages} | {*CONTENTS}
        renewed |= {finding.file for finding in rendered.findings}
        for file in renewed:
            found = [finding for finding in rendered.findings if finding.file == file]
            self._set("sphinx", file, found)

    # --- saying ----------------------------------------------------------------------------

    def _set(self, kind: str, file: str, found: list[Finding]) -> None:
        self._found[kind, file] = found

    def _tell(self, work: str = "") -> None:
        """Tell the open pages."""
        pages: dict[str, list[Finding]] = {}
        everywhere: list[Finding] = []
        for (_, file), found in sorted(self._found.items()):
            if file.endswith(".md"):
                pages.setdefault(file.removesuffix(".md"), []).extend(found)
            else:
                everywhere += found
        executing = {file.removesuffix(".md"): "Exécution du chapitre…" for file in self._executions.files}
        self._server.tell(Status(dict(self._versions), pages, everywhere, {"": work} | executing))

    def _say(self, before: set[str], shown: str, seconds: float) -> None:
        """Tell the terminal: what is new to mend, what is mended, what is shown anew."""
        now = {str(finding) for found in self._found.values() for finding in found}
        for line in sorted(now - before):
            self._report(line)
        if before and not now:
            self._report("Plus rien à corriger.")
        if shown:
            duration = f"{seconds:.1f}".replace(".", ",")
            self._report(f"{shown} : à jour en {duration} s")

    # --- restarting ------------------------------------------------------------------------

    def _restart(self) -> None:
        """Start again with the package that changed, where it can be loaded; the address stays."""
        command = [sys.executable, "-c", PROBE]
        done = subprocess.run(command, cwd=rendering.PACKAGE.parent, capture_output=True, text=True)
        if done.returncode == 0:
            self._report("Le paquet a changé : l'aperçu redémarre.")
            self.close()
            self._server.close()
            os.execv(sys.executable, _again(self._server.port))
        self._set("lecture", "ssphub_book", [_broken(done.stderr)])


def _again(port: int) -> list[str]:
    """The command that started the preview, on the port that it has: the last one given counts."""
    return [sys.executable, *sys.orig_argv[1:], "--port", str(port)]


def _is_code(path: Path) -> bool:
    return path.suffix == ".py" and path.is_relative_to(rendering.PACKAGE)


def _unreadable(file: str, line: int, cause: object) -> Finding:
    message = f"fichier illisible : {cause}. L'aperçu garde sa dernière version lisible."
    return Finding(file, line, "lecture", message, MEND)


def _broken(traceback: str) -> Finding:
    """The last line of our own in a traceback."""
    places = re.findall(r'File "([^"]+)", line (\d+)', traceback)
    own = [(path, line) for path, line in places if Path(path).is_relative_to(rendering.PACKAGE)]
    path, line = own[-1] if own else (str(rendering.PACKAGE / "__init__.py"), "1")
    file = Path(path).relative_to(rendering.PACKAGE.parent).as_posix()
    message = f"le paquet ne se charge plus : {traceback.strip().splitlines()[-1]}. L'aperçu garde l'ancien."
    return Finding(file, int(line), "paquet", message, MEND)
