"""The notebooks as readers get them: two beside each page, and all of them with their data in one archive.

The archive is also the tree of the repository's `notebooks` branch. The same book gives the same bytes.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from ssphub_book import archives, chapters, contract, kept, learner, plain, settings
from ssphub_book.cache import Cache
from ssphub_book.chapters import Chapter

FOLDER = "cahiers-notebooks"
REQUIREMENTS = "requirements.txt"
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


def files(root: Path) -> dict[str, bytes]:
    """Every file of the tree, by its path. The whole book has been executed.

    Raises ChapterError where a chapter has no plain form (see `learner`), KeyError where one has to run.
    """
    root = root.resolve()
    book = chapters.find(root)
    address = settings.read(root).address
    known = plain.Book(root, address, tuple(contract.table_of_contents(root)))
    made = _notebooks(root, book, known)
    found = {name: text.encode() for name, text in made.items()}
    for path in _beside(root, book):
        found[path.relative_to(root).as_posix()] = path.read_bytes()
    found["LISEZMOI.md"] = _readme(root, book).encode()
    found[REQUIREMENTS] = requirements(root, _imported(made.values())).encode()
    return found


def write_tree(root: Path, folder: Path) -> None:
    """Write the tree in a folder; what else the folder holds is left alone."""
    for name, content in files(root).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def offered(root: Path, before: Path) -> dict[str, bytes]:
    """What a site offers, by its path there: the notebooks beside their pages, and the archive of all.

    `before`: the last site, which may not exist; what its archive holds already is taken from it.
    """
    found, archive = files(root), io.BytesIO()
    beside = {name: content for name, content in found.items() if name.endswith(".ipynb")}
    contents = ((f"{FOLDER}/{name}", content) for name, content in sorted(found.items()))
    archives.write(archive, contents, before / learner.ARCHIVE)
    return beside | {learner.ARCHIVE: archive.getvalue()}


def _notebooks(root: Path, book: list[Chapter], known: plain.Book) -> dict[str, str]:
    """The notebooks of all chapters; those of a chapter that has not changed are kept from the last call."""
    shared = repr((known.address, known.titles, known.terms, known.labels, known.entries))
    cache, found = Cache(root), {}
    for chapter in book:
        glued = cache.of(chapter, "valeurs", lambda notebook: plain.glued(notebook.cells))
        key = f"{shared}\0{chapter.keyed_text}\0{glued}"
        make = partial(learner.notebooks, chapter, glued, known)
        found |= kept.of(root, chapter.file, "notebooks", key, make)
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
