"""How far the preparation of the preview is: one line, rewritten in place where there is a terminal."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

CLEARED = "\r\x1b[K"  # the line that the cursor is on


class Progress:
    """Within `with`, a terminal shows the last step on one line, with the seconds gone by; elsewhere, and
    afterwards, all is said by `report`."""

    def __init__(self, report: Callable[[str], None], stream: TextIO | None = None):
        self._report, self._stream = report, stream or sys.stdout
        self._text = ""
        self._started = 0.0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ended.set()

    def __enter__(self) -> Progress:
        if self._stream.isatty():
            self._started = time.monotonic()
            self._ended.clear()
            threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._clear()
            self._ended.set()

    def step(self, text: str) -> None:
        """What is being done now."""
        with self._lock:
            self._text = text
            if self._ended.is_set():
                self._report(text)
            self._draw()

    def say(self, line: str) -> None:
        """Anything else, above the line."""
        with self._lock:
            self._clear()
            self._report(line)
            self._draw()

    def _tick(self) -> None:
        while not self._ended.wait(1):
            with self._lock:
                self._draw()

    def _clear(self) -> None:
        if not self._ended.is_set():
            self._stream.write(CLEARED)
            self._stream.flush()

    def _draw(self) -> None:
        if not self._ended.is_set():
            line = f"{self._text} {time.monotonic() - self._started:.0f} s"
            self._stream.write(CLEARED + line[: shutil.get_terminal_size().columns - 1])
            self._stream.flush()
