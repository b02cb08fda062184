"""Execute chapters beside the preview, a few at a time; a chapter that changes again starts again."""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue

from ssphub_book.chapters import Chapter
from ssphub_book.execution import Run, not_run, run_chapter
from ssphub_book.processes import Job

KILLED = "le processus qui exécutait ce chapitre a été tué (mémoire insuffisante ?)."


class Executions:
    """Each chapter that ended is put in `queue` as its Run, but for those that were stopped."""

    def __init__(self, queue: SimpleQueue):
        self._queue = queue
        self._waiting: dict[str, Chapter] = {}
        self._running: dict[str, tuple[Chapter, Job]] = {}

    @property
    def files(self) -> list[str]:
        """The chapters that are executed now or will be."""
        return [*self._running, *self._waiting]

    def has(self, chapter: Chapter) -> bool:
        """Whether this very text of the chapter is executed now or will be."""
        running = self._running.get(chapter.file, (self._waiting.get(chapter.file),))[0]
        return running is not None and running.keyed_text == chapter.keyed_text

    def start(self, chapter: Chapter) -> None:
        """Execute the chapter as soon as there is room, in place of an older text of it."""
        self.stop(chapter.file)
        self._waiting[chapter.file] = chapter
        self._fill()

    def ended(self, run: Run) -> bool:
        """Note the end of a run; False where its chapter changed meanwhile."""
        chapter, _ = self._running.get(run.chapter.file, (None, None))
        if chapter is None or chapter.keyed_text != run.chapter.keyed_text:
            return False
        del self._running[run.chapter.file]
        self._fill()
        return True

    def stop(self, file: str) -> None:
        self._waiting.pop(file, None)
        _, job = self._running.pop(file, (None, None))
        if job:
            job.stop()

    def close(self) -> None:
        """Stop every kernel."""
        self._waiting.clear()
        for file in [*self._running]:
            self.stop(file)

    def _fill(self) -> None:
        while self._waiting and len(self._running) < (os.cpu_count() or 1):
            file, chapter = next(iter(self._waiting.items()))
            del self._waiting[file]
            job = Job(run_chapter, chapter)
            self._running[file] = chapter, job
            threading.Thread(target=self._wait, args=(chapter, job), daemon=True).start()

    def _wait(self, chapter: Chapter, job: Job) -> None:
        try:
            run = job.result()
        except EOFError:
            run = not_run(chapter, KILLED)
        self._queue.put(run)
