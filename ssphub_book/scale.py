"""How the build grows with the book: synthetic chapters, timed builds, and the share of each phase.

A book of `count` chapters is the real one (package, theme, configuration, glossary, data) whose chapters
are fillings of the template, lengthened with prose of the real ones. Fixed seed.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ssphub_book import chapters, network, scaffold
from ssphub_book.listing import LEVELS, THEMES

SEED = 2024
PARAGRAPHS = 30  # of prose added to a chapter: about what a real one holds
PLAIN_PROSE = re.compile(r"^[A-ZÀÉÈÊÎÔ][^{}\[\]`$<>|#*=\n]{80,}$", re.MULTILINE)  # lines of nothing but words
CONTENTS = """\
format: jb-book
root: book/index
parts:
  - caption: Annexes
    chapters:
      - file: book/annexes/glossaire
      - file: book/annexes/donnees
"""
INDEX = "# Livre d'essai\n\nDes chapitres faits pour mesurer la construction.\n"
PATHS = "parcours: []\n"
WHOLE, UNCHANGED, PROSE, CODE = "cold", "no change", "prose edit", "code edit"
PHASES = {  # what is timed, and the function of which module it is
    "contract": ("contract", "check_book"),
    "execution": ("publication", "_execute"),
    "notebooks": ("notebooks", "offered"),
    "sphinx": ("publication", "_rendered"),
    "search": ("search", "index"),
    "publication": ("publication", "_publish"),
}
TIMED = """
import json, sys
from pathlib import Path
from ssphub_book import scale
print(json.dumps(scale.phases(Path("."))), file=sys.stderr)
"""


@dataclass(frozen=True)
class Timing:
    """Seconds that one build took, in all and by phase (none for plain `jupyter-book build`)."""

    chapters: int
    what: str
    seconds: float
    phases: dict[str, float]


def write_book(source: Path, folder: Path, count: int) -> list[Path]:
    """Write a book of `count` synthetic chapters in `folder`, a new one; return their paths.

    `source` is the root of the real book, under Git; its `.venv` is shared.
    """
    paragraphs = [p for chapter in chapters.find(source) for p in PLAIN_PROSE.findall(chapter.text)]
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=source, capture_output=True, text=True, check=True
    )
    real = {chapter.file for chapter in chapters.find(source)}
    listing = f"{network.FOLDER}/"  # of entries that name the real chapters
    for name in {n for n in tracked.stdout.split("\0") if n and not n.startswith(listing)} - real:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, folder / name)
    (folder / ".venv").symlink_to((source / ".venv").resolve())
    (folder / "_toc.yml").write_text(CONTENTS, encoding="utf-8")
    (folder / "book/index.md").write_text(INDEX, encoding="utf-8")
    draw = random.Random(SEED)
    names, sets = list(THEMES), scaffold.demonstrable_sets(source)
    made = []
    for number in range(count):
        answers = scaffold.Answers(
            theme=names[number % len(names)],
            question=f"Que montre l'essai numéro {number} ?",
            title=f"Essai {number}",
            name=f"essai-{number}",
            level=list(LEVELS)[number % len(LEVELS)],
            data=sets[number % len(sets)],
        )
        path = folder / scaffold.create(folder, answers)[0]
        _lengthen(path, draw.sample(paragraphs, min(PARAGRAPHS, len(paragraphs))))
        made.append(path)
    return made


def _lengthen(path: Path, paragraphs: list[str]) -> None:
    text = path.read_text(encoding="utf-8")
    added = "## Les pièges\n\n" + "\n\n".join(paragraphs)
    path.write_text(text.replace("## Les pièges", added, 1), encoding="utf-8")


def measure(source: Path, folder: Path, count: int, plain: bool, say: Callable[[str], None]) -> list[Timing]:
    """Time cold, unchanged, prose-edit and code-edit builds of a book of `count` chapters.

    `plain` adds the same by `jupyter-book build .`, in another copy and with another cache.
    """
    timings = []
    ways = {"": _ours, "plain ": _plain} if plain else {"": _ours}
    for way, build in ways.items():
        root = folder / f"{way.strip() or 'ours'}-{count}"
        edited = write_book(source, root, count)[0]
        for what in (WHOLE, UNCHANGED, PROSE, CODE):
            if what == PROSE:
                _replace(edited, "## Les pièges\n\n", "## Les pièges\n\nUne phrase de plus.\n\n")
            elif what == CODE:
                _replace(edited, "import numpy as np\n", "import numpy as np  # modifié\n")
            started = time.monotonic()
            shares = build(root)
            timing = Timing(count, way + what, time.monotonic() - started, shares)
            say(describe(timing))
            timings.append(timing)
    return timings


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def _ours(root: Path) -> dict[str, float]:
    done = _run([sys.executable, "-c", TIMED], root)
    return json.loads(done.stderr.splitlines()[-1])


def _plain(root: Path) -> dict[str, float]:
    _run([Path(sys.executable).with_name("jupyter-book"), "build", "."], root)
    return {}


def _run(command: list[str | Path], root: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command[:3]))} in {root}:\n{done.stdout}{done.stderr}")
    return done


def phases(root: Path) -> dict[str, float]:
    """Build the book in this process; return the seconds of each phase, each without those in it."""
    from ssphub_book import contract, notebooks, publication, search

    modules = {"contract": contract, "notebooks": notebooks, "publication": publication, "search": search}
    spent = dict.fromkeys(PHASES, 0.0)
    for phase, (module, name) in PHASES.items():
        setattr(modules[module], name, _timed(getattr(modules[module], name), spent, phase))
    publication.build(root, report=lambda line: None)
    spent["publication"] -= spent["search"]
    return spent


def _timed(function: Callable, spent: dict[str, float], phase: str) -> Callable:
    def call(*arguments, **options):
        with _clock(spent, phase):
            return function(*arguments, **options)

    return call


@contextmanager
def _clock(spent: dict[str, float], phase: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    spent[phase] += time.monotonic() - started


def describe(timing: Timing) -> str:
    """One line: chapters, what was built, seconds, and those of each phase."""
    shares = "  ".join(f"{phase} {seconds:.1f}" for phase, seconds in timing.phases.items())
    return f"{timing.chapters:4d} chapters  {timing.what:16s}  {timing.seconds:7.1f} s  {shares}"
