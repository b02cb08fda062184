"""Put in a queue the files of the book, the package and the theme that change."""

from __future__ import annotations

import threading
from pathlib import Path
from queue import SimpleQueue

from watchfiles import Change, DefaultFilter, watch

from ssphub_book.preview.mirror import PAGES

AT_ROOT = ("_config.yml", "_toc.yml", "requirements.txt")
GATHER = 80  # milliseconds without a change that end a group of changes


class Watcher:
    """Puts a set of paths in `queue` for each group of changes, until `close`."""

    def __init__(self, root: Path, package: Path, queue: SimpleQueue):
        self._end = threading.Event()
        folders = [root / name for name in PAGES if (root / name).is_dir()]
        self._start(queue, [*folders, package], DefaultFilter(), recursive=True)
        self._start(queue, [root], _AtRoot(), recursive=False)  # not below: .venv and _build are large

    def _start(self, queue: SimpleQueue, folders: list[Path], kept: DefaultFilter, recursive: bool) -> None:
        def follow() -> None:
            groups = watch(
                *folders,
                watch_filter=kept,
                debounce=GATHER * 5,
                step=GATHER,
                rust_timeout=500,
                yield_on_timeout=False,
                stop_event=self._end,
                recursive=recursive,
                raise_interrupt=False,
            )
            for group in groups:
                queue.put({Path(path) for _, path in group})

        threading.Thread(target=follow, daemon=True).start()

    def close(self) -> None:
        self._end.set()


class _AtRoot(DefaultFilter):
    def __call__(self, change: Change, path: str) -> bool:
        return Path(path).name in AT_ROOT
