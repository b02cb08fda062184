"""Fixtures shared by the tests: the built site of the real book, and a small book to break."""

from __future__ import annotations

import http.server
import os
import random
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

SMALL_CHAPTER = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
chapitre:
  question: Combien font un et un ?
  niveau: débutant
  duree: 5
  objectifs: [compter, additionner, vérifier]
  prerequis: []
  donnees: [petit]
  outils: [Python]
  mots_cles: [somme, addition, calcul]
  sspcloud:
    chart: jupyter-python
    memoire: 2Gi
---

# Un et un

```{admonition} L'essentiel
:class: essentiel
Additionnez.
```

## La question et les données

```{code-cell} ipython3
import sys
from pathlib import Path

sys.path.insert(0, "..")
from cahiers import eprouver, nombre, verifier

valeur = int(Path("../data/petit/valeur.csv").read_text())
valeur
```

```{code-cell} ipython3
---
tags: [verification, remove-cell]
---
assert valeur == 2
```

## Les pièges

Un piège.

## En production

Un cas.

## Exercices

%s
## Quiz

%s
## Pour aller plus loin

Une source.
"""
EXERCISE = """\
### Exercice {n} : doubler

```{{dropdown}} Indice
Multipliez.
```

```{{code-cell}} ipython3
:tags: [exercice]
double_{n} = ...
```

```{{code-cell}} ipython3
:tags: [solution, hide-input]
double_{n} = 2 * valeur
```

```{{code-cell}} ipython3
:tags: [controle]
def exercice_{n}(double):
    yield from nombre(double, 2 * valeur, "relisez la définition du double.")


verifier(exercice_{n}, double_{n})
```

```{{code-cell}} ipython3
:tags: [verification, remove-cell]
eprouver(exercice_{n}, 4, [(3, "la définition"), (-4, "au signe près"), ("4", "un texte")])
```

"""
QUESTION = """\
### Question {n} : un et un ?

- A. Un
- B. Deux

```{{dropdown}} Réponse
**B.** A oublie d'additionner.
```

"""
SMALL_GLOSSARY = """\
# Glossaire

```{glossary}
notebook
  Document qui mêle du texte et du code.
```
"""
SMALL_ENTRIES = """\
additions:
  titre: Le service des additions
  resume: Il additionne.
  adresse: https://example.org/additions
  themes: [pratiques]
  annee: 2026
  chapitres: [essais/un-et-un]
  verifie: 2026-11-26
"""
SMALL_CONFIG = """\
title: Petit livre
only_build_toc_files: true
execute:
  execute_notebooks: cache
  cache: _build/.jupyter_cache
  timeout: 20
sphinx:
  local_extensions:
    ssphub_book.sphinx.freshness: {package}
  config:
    language: fr
"""


@pytest.fixture
def small_book(tmp_path: Path) -> Path:
    """A book of one sound chapter, `essais/un-et-un`, in an empty folder: tests break it."""
    return write_small_book(tmp_path / "livre")


def write_small_book(root: Path) -> Path:
    """Write the small book in a new folder; return it."""
    chapter = root / "notebooks/essais/un-et-un.md"
    data = root / "notebooks/data/petit"
    for folder in (chapter.parent, data, root / "book"):
        folder.mkdir(parents=True)
    exercises = "".join(EXERCISE.format(n=n) for n in (1, 2, 3))
    questions = "".join(QUESTION.format(n=n) for n in (1, 2, 3))
    chapter.write_text(SMALL_CHAPTER % (exercises, questions), encoding="utf-8")
    shutil.copy(ROOT / "notebooks/cahiers.py", root / "notebooks")
    (data / "valeur.csv").write_text("2", encoding="utf-8")
    (data / "SOURCE.md").write_text("Un nombre.", encoding="utf-8")
    (root / "book/annexes").mkdir()
    (root / "book/annexes/glossaire.md").write_text(SMALL_GLOSSARY, encoding="utf-8")
    shutil.copytree(ROOT / "book/reseau/data/schemas", root / "book/reseau/data/schemas")
    (root / "book/reseau/data/projets.yml").write_text(SMALL_ENTRIES, encoding="utf-8")
    (chapter.parent / "schema.png").write_bytes(b"PNG")
    (chapter.parent / "photo.png").write_bytes(bytes(300_001))
    (root / "book/index.md").write_text("# Petit livre\n\nBonjour.\n", encoding="utf-8")
    (root / "_toc.yml").write_text(
        "format: jb-book\nroot: book/index\nchapters:\n- file: notebooks/essais/un-et-un\n",
        encoding="utf-8",
    )
    (root / "_config.yml").write_text(SMALL_CONFIG.format(package=ROOT), encoding="utf-8")
    (root / "requirements.txt").write_text("", encoding="utf-8")
    (root / "requirements.in").write_text("# What the chapters use\npandas  # tables\n\n", encoding="utf-8")
    return root


@pytest.fixture
def small_chapter(small_book: Path) -> Path:
    """The path of the small book's only chapter."""
    return small_book / "notebooks/essais/un-et-un.md"


@pytest.fixture
def edit() -> Callable[[Path, str, str], None]:
    """`edit(path, old, new)` replaces one piece of text, which has to be there."""

    def replace(path: Path, old: str, new: str) -> None:
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return replace


@pytest.fixture(scope="session")
def site() -> Path:
    """The built site of this book, brought up to date once for the whole session."""
    from ssphub_book import cell_tests, publication

    with cell_tests.turn():
        return publication.build(ROOT, report=lambda line: None)


class Pages(dict):
    """The pages of the site by their path, each read once, when it is first asked for."""

    def __init__(self, site: Path):
        super().__init__()
        self._site = site

    def __missing__(self, name: str) -> BeautifulSoup:
        html = (self._site / name).read_text(encoding="utf-8")
        return self.setdefault(name, BeautifulSoup(html, "html.parser"))


@pytest.fixture(scope="session")
def soups(site: Path) -> Pages:
    """`soups["book/index.html"]`: a page of the site, which tests look at and leave as it is."""
    return Pages(site)


@pytest.fixture(scope="session")
def site_url(site: Path) -> Iterator[str]:
    """Address of the site on loopback, at its path and with its page for unknown addresses."""
    from ssphub_book import settings

    prefix = urlsplit(settings.read(ROOT).address).path.rstrip("/")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def translate_path(self, path: str) -> str:
            return super().translate_path(path.removeprefix(prefix))

        def send_error(self, code: int, *arguments: object) -> None:
            if code != 404:
                return super().send_error(code, *arguments)
            self.send_response(code)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((site / "404.html").read_bytes())

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}{prefix}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser():
    """The system's headless Chromium. Missing: a skip here, a failure in CI."""
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        message = "Chromium est absent : apt-get install chromium"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_OPTIONS)
        yield chromium
        chromium.close()


def pytest_configure(config: pytest.Config) -> None:
    """A shell starts background jobs deaf to Ctrl+C, and so would be the programs that tests interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def sphinx_build(source: Path, out: Path, **options: object) -> Sphinx:
    """Build a folder by Sphinx in this process, leaving nothing registered for the next one."""
    options = {"status": None, "warning": None} | options
    with docutils_namespace():
        app = Sphinx(source, source, out, out.with_name(f"{out.name}-doctrees"), "html", **options)
        app.build()
    return app


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests marked `long` run in `make test-all` only."""
    if os.environ.get("SSPHUB_WHOLE"):
        return
    left_out = [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def sample(names: list[str], size: int, after: int = 0) -> list[str]:
    """What this run takes of a long test: a draw that changes with the commit, or all of it.

    `after` leaves out as many names as other tests draw of the same list: none takes all the long ones.
    `SSPHUB_SEED` replays a draw; `SSPHUB_WHOLE` (make test-all) takes every name.
    """
    if os.environ.get("SSPHUB_WHOLE"):
        return names
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    seed = os.environ.get("SSPHUB_SEED") or head.stdout.strip()
    drawn = random.Random(seed).sample(names, len(names))
    return drawn[after : after + size]
