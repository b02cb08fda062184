"""Render the mirror by Jupyter Book, and say which pages were written and what Sphinx found."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
from dataclasses import dataclass, field
from pathlib import Path

from ssphub_book.cache import FOLDER as CACHE
from ssphub_book.contract import MEND, Finding
from ssphub_book.execution import ANSI
from ssphub_book.processes import Job

FOLDER = "_build/apercu"
SITE = f"{FOLDER}/html"
MIRROR = f"{FOLDER}/source"
STAMP = f"{FOLDER}/commun"  # what all pages of the last whole rendering had in common
PACKAGE = Path(__file__).resolve().parent.parent
SAID = re.compile(r"(?:(?P<path>/[^:]+?)(?::(?P<line>\d+|None))?: )?(?:WARNING|ERROR|CRITICAL): (?P<text>.*)")
IN_CONTRACT = "toctree contains reference to nonexisting document"  # said in French, with its line
FRENCH = (
    (r"'myst' cross-reference target not found: '(.*?)'", "le lien « {} » ne mène nulle part"),
    (r"Unknown interpreted text role \"(.*?)\"", "le rôle « {} » n'existe pas"),
    (r"[Uu]nknown directive type:? ['\"](.*?)['\"]", "la directive « {} » n'existe pas"),
    (r"term not in glossary: '(.*?)'", "le terme « {} » n'est pas dans le glossaire"),
    (r"image file not readable: (\S+)", "l'image « {} » est introuvable"),
    (r"No key '(.*?)' found in current document|No match(?:es)? for glue key '(.*?)'",
     "aucune cellule ne donne à glue la valeur « {} »"),
)  # fmt: skip


@dataclass
class Rendered:
    """What a rendering did: the hash of each page written, by its name, and the findings."""

    pages: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    failed: bool = False


def job(root: Path) -> Job:
    """Start a rendering; its result is a `Rendered`."""
    return Job(_render, root, _common(root))


def is_stale(root: Path) -> bool:
    """Whether every page is to be rendered again: configuration, contents, package or theme changed."""
    return _last(root) != _common(root)


def _last(root: Path) -> str:
    stamp = root / STAMP
    return stamp.read_text() if stamp.is_file() else ""


def _render(root: Path, common: str) -> Rendered:
    from ssphub_book.preview import lines

    whole = _last(root) != common
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            failure = _build(root, whole)
        except Exception as error:
            failure = error
    if not failure:
        (root / STAMP).write_text(common)
    written = {name: _hash(root / SITE / f"{name}.html") for name in lines.written}
    findings = _findings(root, ANSI.sub("", said.getvalue()))
    if failure and not findings:
        findings = [Finding("_config.yml", 1, "rendu", f"Sphinx s'est arrêté : {failure}", MEND)]
    return Rendered(written, findings, bool(failure))


def _build(root: Path, whole: bool) -> object:
    """Jupyter Book's own build of the mirror; return what went wrong, if anything."""
    from jupyter_book.config import get_final_config
    from jupyter_book.sphinx import build_sphinx

    source, config = root / MIRROR, root / MIRROR / "_config.yml"
    options = {"external_toc_path": str(source / "_toc.yml"), "latex_individualpages": False}
    usual, _ = get_final_config(user_yaml=config, cli_config=dict(options), sourcedir=source)
    options |= {
        "extensions": [*usual["extensions"], "ssphub_book.preview.lines"],
        "nb_execution_cache_path": str(root / CACHE),
        "nitpicky": True,
    }
    return build_sphinx(
        source,
        root / SITE,
        path_config=config,
        noconfig=True,
        confoverrides=options,
        freshenv=whole,
        quiet=True,
        keep_going=True,
    )


def _common(root: Path) -> str:
    """Hash of what every page depends on: configuration, contents, package and theme."""
    digest = hashlib.sha256()
    shared = (root / MIRROR / "_config.yml", root / MIRROR / "_toc.yml")
    for path in (*shared, *sorted(PACKAGE.rglob("*"))):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _hash(page: Path) -> str:
    return hashlib.sha256(page.read_bytes()).hexdigest()[:16]


def _findings(root: Path, said: str) -> list[Finding]:
    """The findings in what Sphinx wrote, in the files of the book."""
    found = []
    for line in said.splitlines():
        if (match := SAID.match(line)) and IN_CONTRACT not in match["text"]:
            path = Path(match["path"] or "")
            inside = path.is_relative_to(root / MIRROR)
            file = path.relative_to(root / MIRROR).as_posix() if inside else "_config.yml"
            number = int(match["line"]) if (match["line"] or "").isdigit() else 1
            found.append(Finding(file, number, "sphinx", _french(match["text"]), MEND))
    return sorted(set(found))


def _french(text: str) -> str:
    """What Sphinx says, behind a French sentence where it is one of the usual warnings."""
    text = re.sub(r" \[[\w.]+\]$", "", text)  # the name by which the warning could be silenced
    for pattern, sentence in FRENCH:
        if match := re.search(pattern, text):
            return f"{sentence.format(next(filter(None, match.groups()), ''))} (Sphinx : {text})."
    return f"Sphinx signale : {text}"
