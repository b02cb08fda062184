"""Serve the rendered pages on loopback, each with the preview's own script, and tell them what changes.

What is added is added to the answers: no file of the site holds any of it.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from ssphub_book.contract import Finding

OWN = "/_apercu/"
FILES = {"apercu.js": "text/javascript", "apercu.css": "text/css"}
FOLDER = Path(__file__).resolve().parent
SILENCE = 10  # seconds between two signs of life
ADDED = (
    '<link rel="stylesheet" href="{own}apercu.css" />'
    '<script src="{own}apercu.js" defer data-page="{page}" data-rendu="{version}"></script></head>'
)
ABSENT = """<!DOCTYPE html>
<html lang="fr"><head><meta charset="utf-8" /><title>Aperçu</title>
<meta name="viewport" content="width=device-width, initial-scale=1.0" />
<link rel="stylesheet" href="/_static/cahiers.css" /></head>
<body><main><article><h1>Page absente de l'aperçu</h1>
<p>Elle s'affichera ici d'elle-même dès qu'elle sera rendue. Vérifiez sinon son adresse, et sa ligne dans
_toc.yml.</p></article></main></body></html>
"""


def _said(finding: Finding) -> str:
    return f"{finding.message} → {finding.remedy}"


@dataclass
class Status:
    """What pages are told: their version and findings, what is wrong everywhere, what is under way."""

    versions: dict[str, str] = field(default_factory=dict)
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    everywhere: list[Finding] = field(default_factory=list)
    work: dict[str, str] = field(default_factory=dict)

    def of(self, page: str) -> str:
        """The status of one page, as its script reads it."""
        points = [
            {
                "fichier": finding.file,
                "ligne": finding.line,
                "message": f"{finding.message} → {finding.remedy}",
                "ici": here,
            }
            for found, here in ((self.everywhere, False), (self.findings.get(page, []), True))
            for finding in found
        ]
        told = {
            "rendu": self.versions.get(page, ""),
            "points": points,
            "travail": self.work.get(page) or self.work.get("", ""),
        }
        return json.dumps(told, ensure_ascii=False)


class Server(ThreadingHTTPServer):
    """Raises OSError where the port is taken. `port` 0 takes one that is free."""

    daemon_threads = True

    def __init__(self, site: Path, port: int):
        super().__init__(("127.0.0.1", port), partial(_Handler, directory=str(site)))
        self.status = Status()
        self.told = threading.Condition()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def address(self, page: str) -> str:
        return f"http://localhost:{self.port}/{page}.html"

    def tell(self, status: Status) -> None:
        """Give every open page its new status."""
        with self.told:
            self.status = status
            self.told.notify_all()

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(SimpleHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == f"{OWN}flux":
            self._stream(parse_qs(urlsplit(self.path).query).get("page", [""])[0])
        elif path.startswith(OWN):
            self._own(path.removeprefix(OWN))
        elif path.endswith((".html", "/")):
            self._page(unquote(path).strip("/").removesuffix(".html") or "index")
        else:
            super().do_GET()

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, *arguments: object) -> None:
        """The terminal is for the author's own messages."""

    def _own(self, name: str) -> None:
        if name not in FILES:
            return self.send_error(404)
        self._answer((FOLDER / name).read_bytes(), FILES[name])

    def _page(self, page: str) -> None:
        """A page with what links it to the preview."""
        version = self.server.status.versions.get(page, "")
        file = Path(self.translate_path(f"/{page}.html"))
        found = file.is_file()
        text = file.read_text(encoding="utf-8") if found else ABSENT
        added = ADDED.format(own=OWN, page=escape(page, quote=True), version=version if found else "absente")
        self._answer(text.replace("</head>", added, 1).encode(), "text/html", 200 if found else 404)

    def _answer(self, content: bytes, kind: str, code: int = 200) -> None:
        self.send_response(code)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, page: str) -> None:
        """Server-sent events: the status of a page at once, then each time that it changes."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.end_headers()
        said = None
        try:
            self.wfile.write(b"retry: 500\n\n")
            while True:
                with self.server.told:
                    status = self.server.status.of(page)
                    if status == said:
                        self.server.told.wait(SILENCE)
                        status = self.server.status.of(page)
                self.wfile.write(b":\n\n" if status == said else f"data: {status}\n\n".encode())
                said = status
        except OSError:
            return  # the page was closed
