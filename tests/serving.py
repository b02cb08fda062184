"""The built site as a static host serves it: compressed, with the headers of its `_headers` file."""

from __future__ import annotations

import functools
import gzip
import http.server
import mimetypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ssphub_book import history, settings
from tests.conftest import ROOT, sample

DRAWN_PAGES = 24


def pages(site: Path) -> list[str]:
    """Every page of the site by its path, search included, less the entry that only leads to the welcome."""
    names = [path.relative_to(site).as_posix() for path in sorted(site.rglob("*.html"))]
    names = [name for name in names if not any(part.startswith("_") for part in name.split("/"))]
    names.remove("index.html")
    assert names
    return names


def drawn_pages(site: Path) -> list[str]:
    """What this run takes of a check too long for every page: a half last changed, a half by lot.

    All pages under `SSPHUB_WHOLE`. The lot changes with the commit, see `sample`.
    """
    names = pages(site)
    changed = {path: dates.last for path, dates in history.dates(ROOT).items()}
    never = datetime.min.replace(tzinfo=UTC)
    by_date = sorted(names, key=lambda name: changed.get(str(Path(name).with_suffix(".md")), never))
    latest = by_date[-DRAWN_PAGES // 2 :]
    drawn = sample([name for name in names if name not in latest], DRAWN_PAGES // 2)
    return [name for name in names if name in {*latest, *drawn}]


def read_headers(site: Path) -> dict[str, str]:
    """The headers that the file `_headers` gives to every address."""
    lines = (site / "_headers").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if not line.startswith("#")]
    assert lines[0] == "/*"
    return dict(line.strip().split(": ", 1) for line in lines[1:])


@functools.cache
def _compressed(path: Path, _changed: int) -> bytes:
    return gzip.compress(path.read_bytes(), mtime=0)


@contextmanager
def serve(site: Path) -> Iterator[str]:
    """Address of the site on loopback, at its own path."""
    headers = read_headers(site)
    prefix = urlsplit(settings.read(ROOT).address).path.rstrip("/")

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = site / unquote(urlsplit(self.path).path).removeprefix(prefix).lstrip("/")
            if path.is_dir():
                path = path / "index.html"
            known = path.is_file() and path.resolve().is_relative_to(site.resolve())
            body = _compressed(path, path.stat().st_mtime_ns) if known else b""
            self.send_response(200 if known else 404)
            if known:
                self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Type", mimetypes.guess_type(path.name)[0] or "application/x-binary")
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}{prefix}"
    finally:
        server.shutdown()
        server.server_close()
