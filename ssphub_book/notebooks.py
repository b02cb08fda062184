"""The notebooks as readers get them: two beside each page, and all of them with their data in one archive.

The archive is also the tree of the repository's `notebooks` branch. The same book gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

from ssphub_book import chapters, contract, learner, plain, settings
from ssphub_book.chapters import Chapter
from ssphub_book.execution import Run

FOLDER = "cahiers-notebooks"
KEPT = "_build/notebooks"
REQUIREMENTS = "requirements.txt"
PACKAGE = Path(__file__).resolve().parent
MAKERS = (
    "learner.py",
    "plain.py",
    "network/french.py",
    "sphinx/typography.py",
)  # the code that notebooks come from
DATE = (1980, 1, 1, 0, 0, 0)
STORED = {".parquet"}
NOT_DATA = {".py", ".pyc"}
SECTION = re.compile(r"^# What the chapters use\n(.*?)^$", re.DOTALL | re.MULTILINE)
PIN = re.compile(r"^(?P<pin>(?P<name>[\w.-]+)==[^\\\n]+?) *\\?\n(?P<rest>(?: +.*\n?)*)", re.MULTILINE)
VIA = re.compile(r"^ +#(?: +via)? +([\w.-]+)", re.MULTILINE)
README = """\
# Les notebooks des cahiers du SSP Hub

Chaque chapitre du livre « {title} » ({address}) est ici un notebook à exécuter, dans le dossier
`notebooks`, avec les données qu'il lit. `nom.ipynb` est à compléter : ses exercices attendent vos réponses,
que des contrôles vérifient. `nom-solution.ipynb` donne aussi les solutions.

{chapters}

## Les exécuter sur votre poste

Il faut Python 3.11, 3.12 ou 3.13. Ouvrez un terminal dans ce dossier et lancez la commande de votre
système : elle installe, dans le sous-dossier `.venv`, JupyterLab et les versions des paquets avec lesquelles
le livre est vérifié, puis ouvre JupyterLab. La première fois, comptez quelques minutes et un bon gigaoctet.

Sous Linux et macOS :

```sh
{unix}
```

Sous Windows, dans l'invite de commandes :

```bat
{windows}
```

Le chapitre sur Spark demande aussi Java 17 ou 21 ; celui sur Git, la commande `git`, et celui sur Docker,
Podman ou Docker.

## Licences

Code : MIT. Texte et figures : Licence Ouverte 2.0. Données : chacune la sienne, donnée par le fichier
`SOURCE.md` de son dossier, dans `notebooks/data`.
"""


def files(root: Path, runs: dict[str, Run]) -> dict[str, bytes]:
    """Every file of the tree, by its path. `runs`: what `execution.execute` returned for the whole book.

    Raises ChapterError where a chapter has no plain form (see `learner`).
    """
    root = root.resolve()
    book = [run.chapter for _, run in sorted(runs.items())]
    address = settings.read(root).address
    known = plain.Book(root, address, tuple(contract.table_of_contents(root)))
    made = _notebooks(root, [runs[chapter.name] for chapter in book], known)
    found = {name: text.encode() for name, text in made.items()}
    for path in _beside(root, book):
        found[path.relative_to(root).as_posix()] = path.read_bytes()
    found["LISEZMOI.md"] = _readme(root, book).encode()
    found[REQUIREMENTS] = requirements(root, _imported(made.values())).encode()
    return found


def write_tree(root: Path, folder: Path, runs: dict[str, Run]) -> None:
    """Write the tree in a folder; what else the folder holds is left alone."""
    for name, content in files(root, runs).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def publish(found: dict[str, bytes], site: Path) -> None:
    """Write the notebooks beside their pages, and the archive of all these files at the root of the site."""
    for name, content in found.items():
        if name.endswith(".ipynb"):
            (site / name).write_bytes(content)
    with zipfile.ZipFile(site / learner.ARCHIVE, "w") as archive:
        for name, content in sorted(found.items()):
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}", DATE)
            entry.external_attr = 0o100644 << 16
            kind = zipfile.ZIP_STORED if Path(name).suffix in STORED else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, kind)


def _notebooks(root: Path, runs: list[Run], known: plain.Book) -> dict[str, str]:
    """The notebooks of all chapters; those of a chapter that has not changed are kept from the last call."""
    sources = [(PACKAGE / name).read_text(encoding="utf-8") for name in MAKERS]
    shared = repr((known.address, known.titles, known.terms, known.labels, known.entries, *sources))
    folder = root / KEPT
    folder.mkdir(parents=True, exist_ok=True)
    used, found = set(), {}
    for run in runs:
        glued = plain.glued(run.notebook.cells)
        key = repr((shared, run.chapter.file, run.chapter.keyed_text, glued))
        copy = folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"
        if not copy.is_file():
            made = learner.notebooks(run.chapter, glued, known)
            partial = copy.with_suffix(".partial")
            partial.write_text(json.dumps(made, ensure_ascii=False), encoding="utf-8")
            partial.replace(copy)
        used.add(copy)
        found |= json.loads(copy.read_text(encoding="utf-8"))
    for stale in set(folder.iterdir()) - used:
        stale.unlink()
    return found


def _beside(root: Path, book: list[Chapter]) -> list[Path]:
    """What notebooks read, import or offer: data and their sources, style, modules, programs."""
    data = [path for name in {n for chapter in book for n in chapter.data} for path in _data(root, name)]
    modules = {path for chapter in book for path in (*chapter.modules, *chapter.companions)}
    return sorted({*data, *modules, *(path for path in [root / chapters.STYLE] if path.is_file())})


def _data(root: Path, name: str) -> list[Path]:
    paths = (root / chapters.DATA / name).rglob("*")
    return [path for path in paths if path.is_file() and path.suffix not in NOT_DATA]


def _readme(root: Path, book: list[Chapter]) -> str:
    known = settings.read(root)
    lines = [f"- [{chapter.title}]({learner.path(chapter, learner.EXERCISES)})" for chapter in book]
    return README.format(
        title=known.title,
        address=known.address,
        chapters="\n".join(lines),
        unix=learner.UNIX,
        windows=learner.WINDOWS,
    )


def requirements(root: Path, imported: set[str]) -> str:
    """The locked versions of all that the notebooks need: what chapters use, and what that requires.

    `imported`: the distributions that the notebooks import; `requirements.in` names what they use otherwise.
    """
    pins = list(PIN.finditer((root / REQUIREMENTS).read_text(encoding="utf-8")))
    said = SECTION.search((root / "requirements.in").read_text(encoding="utf-8"))[1]
    listed = [re.match(r"[\w-]+", line)[0] for line in said.splitlines()]
    needed = {"ipykernel", *map(learner.normal, [*listed, *imported])}
    while more := {pin["name"] for pin in pins if needed & {*VIA.findall(pin["rest"])}} - needed:
        needed |= more
    return "".join(f"{pin['pin']}\n" for pin in pins if pin["name"] in needed)


def _imported(notebooks: Iterable[str]) -> set[str]:
    """The distributions that these notebooks import, as each of them says."""
    said = [json.loads(text)["metadata"]["cahiers"]["paquets"] for text in notebooks]
    return {name for packages in said for name in packages.values()}
