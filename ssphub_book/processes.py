"""Processes forked from one that has loaded Sphinx and its extensions already.

Each rendering, and each execution of the preview, has a new process, so that none inherits the state of
another.
"""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import forkserver, get_context
from multiprocessing.connection import Connection

PATIENCE = 20  # seconds that a process has to stop its kernel

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["ssphub_book.warm"])


@contextmanager
def loading() -> Iterator[None]:
    """For imports: all that they make stays, and to look for what could be freed is a fifth of their time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def prepare() -> None:
    """Have Sphinx be loaded beside what this process does next, unless it is already."""
    forkserver.ensure_running()


class Job:
    """One call of a function in a process of its own; its arguments and result are pickled."""

    def __init__(self, function: Callable, *arguments: object):
        self.connection, there = CONTEXT.Pipe(duplex=False)
        self._process = CONTEXT.Process(target=_call, args=(there, dict(os.environ), function, arguments))
        self._process.start()
        there.close()

    def has_ended(self, within: float | None = 0) -> bool:
        """Whether there is a result, or nothing more to wait for; waits so many seconds, or for good."""
        return self.connection.poll(within)

    def result(self) -> object:
        """Wait for the end. Raises EOFError where the process died, or was stopped, without a result."""
        try:
            return self.connection.recv()
        finally:
            self._process.join()

    def wait(self) -> None:
        """Wait for the end, whatever the result, which may have been taken."""
        with suppress(EOFError):
            self.result()

    def stop(self) -> None:
        """Have the process end by itself, with its kernel; kill it where it does not."""
        self._process.terminate()
        self._process.join(PATIENCE)
        self._process.kill()


def _call(connection: Connection, environment: dict[str, str], function: Callable, arguments: tuple) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it reaches the whole terminal: the parent decides
    signal.signal(signal.SIGTERM, _leave)
    os.environ.update(environment)  # the process that it is forked from may have started under another
    connection.send(function(*arguments))


def _leave(signum: int, frame: object) -> None:
    raise SystemExit(128 + signum)
