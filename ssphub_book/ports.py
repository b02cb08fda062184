"""The port where pages are served: the one asked for or, where none is, the first free one from 8000 on."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TypeVar

USUAL = 8000
TRIED = 100  # ports, from the usual one on
FREE_ONE = 0  # a port asked for: any that is free

Server = TypeVar("Server")


class PortTaken(Exception):
    """The message says it in French, with what to type."""


def take(
    start: Callable[[int], Server], asked: int | None, command: str, say: Callable[[str], None]
) -> Server:
    """What `start` gives on the port asked for, or on the first free one; `say` tells where it is not 8000.

    Raises PortTaken where the port asked for is taken, or every port tried.
    """
    for port in range(USUAL, USUAL + TRIED) if asked is None else [asked]:
        try:
            server = start(port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        if asked is None and port != USUAL:
            say(f"Le port {USUAL} est pris : ce sera le port {port}.")
        return server
    raise PortTaken(
        f"Le port {asked or USUAL} est pris : « make {command} PORT=0 » en prend un qui est libre."
    )
