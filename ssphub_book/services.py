"""What a chapter starts: no program outlives its kernel, none listens to other machines.

Every process that a kernel starts inherits a mark in its environment, by which it is found again wherever
it went.
"""

from __future__ import annotations

import ipaddress
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

MARK = "SSPHUB_KERNEL"
TESTS = "PYTEST_"  # variables of the tests that execute the chapter: its own pytest must not read them
SOCKETS = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
LISTENS = b"0A"  # state of a socket in these tables
PAGE = 4096  # bytes that Linux makes of them at once
PERIOD = 1.0  # seconds between two looks at the open ports
GRACE = 10.0  # seconds that programs have to end by themselves after their kernel


class Watch:
    """The programs of one kernel, found by the mark that `environment` gives them."""

    def __init__(self) -> None:
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(TESTS)}
        self.environment[MARK] = uuid.uuid4().hex
        self.exposed: dict[int, str] = {}  # port: address and command of a program that others can reach
        self._marked: dict[tuple[int, float], bool] = {}
        self._known: list[tuple[str, str]] | None = None  # sockets that listened at the last look
        self._ended = threading.Event()

    def look(self) -> None:
        """Note the programs that listen elsewhere than on the loopback.

        Whose the sockets are is looked for where they are not those of the last time: it takes far longer
        than to list them, and this is called after each cell.
        """
        listening = _listening()
        if listening is not None and listening == self._known:
            return
        self._known = listening
        marked = {process.pid: process for process in self.programs()}
        for connection in psutil.net_connections("tcp") if marked else ():
            if connection.status != psutil.CONN_LISTEN or connection.pid not in marked:
                continue
            if not _is_loopback(connection.laddr.ip):
                port = connection.laddr.port
                self.exposed[port] = f"{connection.laddr.ip}, {_command(marked[connection.pid])}"

    def programs(self) -> list[psutil.Process]:
        """The marked processes that are alive, the kernel included while it is."""
        found = []
        for process in psutil.process_iter(["pid", "create_time"]):
            key = process.pid, process.info["create_time"]
            if key not in self._marked:
                self._marked[key] = self._bears_the_mark(process)
            if self._marked[key] and _runs(process):
                found.append(process)
        return found

    def stop(self) -> list[str]:
        """End what is left once the kernel is gone; return the commands that did not end by themselves."""
        _, left = psutil.wait_procs(self.programs(), timeout=GRACE)
        commands = [_command(process) for process in left]
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=GRACE)
        return commands

    def _bears_the_mark(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == self.environment[MARK]
        except psutil.Error:  # gone, or another person's
            return False

    def _keep_looking(self) -> None:
        while not self._ended.wait(PERIOD):
            self.look()


@contextmanager
def watch() -> Iterator[Watch]:
    """Look at the open ports at regular times, until the end of the block."""
    watched = Watch()
    thread = threading.Thread(target=watched._keep_looking, daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        watched._ended.set()
        thread.join()


def _listening() -> list[tuple[str, str]] | None:
    """Address and inode of each TCP socket that listens, as Linux lists them; None elsewhere."""
    tables = [table for table in SOCKETS if table.is_file()]
    return [row for table in tables for row in _listeners(table)] if tables else None


def _listeners(table: Path) -> Iterator[tuple[str, str]]:
    """The rows of a table that listen. They come first: to read the others is most of the time."""
    with table.open("rb", buffering=PAGE) as file:
        next(file)  # the names of the columns
        for row in map(bytes.split, file):
            if row[3] != LISTENS:
                return
            yield row[1].decode(), row[9].decode()


def _is_loopback(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())[:120] or process.name()
    except psutil.Error:
        return f"processus {process.pid}"
