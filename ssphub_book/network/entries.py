"""Read the data files and check them: each entry against the schema of its file, then all together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml
from jsonschema import Draft202012Validator

FOLDER = "book/reseau/data"
PARIS = ZoneInfo("Europe/Paris")
KINDS = {  # file, and what one entry of it is called
    "projets": "projet",
    "ressources": "ressource",
    "lettres": "lettre",
    "evenements": "événement",
    "partenaires": "communauté",
}
LISTS = {  # what a chapter may list of those that name it
    "projets": ("projets",),
    "ressources": ("ressources", "evenements", "lettres"),
}
THEMES = {
    "visualisation": "Visualisation",
    "collecte": "Collecte",
    "apprentissage": "Apprentissage",
    "pratiques": "Bonnes pratiques",
    "donnees-massives": "Données massives",
    "reseau": "Vie du réseau",
}
STALE = 365  # days after which what was verified is to be verified again


class _Loader(yaml.CSafeLoader):
    """Dates stay as they are written."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Problem:
    """What is wrong in a data file, where (`line` counts from 1) and what to do, in French."""

    file: str
    line: int
    message: str
    remedy: str


@dataclass(frozen=True)
class Entry:
    """One entry: `kind` is its file without extension, `key` its name there, `line` where it begins."""

    kind: str
    key: str
    line: int
    said: dict = field(hash=False)

    @property
    def id(self) -> str:
        """Its anchor in the pages, and what programs know it by."""
        return f"{self.kind}-{self.key}"

    @property
    def title(self) -> str:
        return self.said["titre"]

    @property
    def summary(self) -> str:
        return self.said["resume"]

    @property
    def address(self) -> str:
        return self.said["adresse"]

    @property
    def themes(self) -> list[str]:
        return self.said["themes"]

    @property
    def type(self) -> str:
        """What it is, in one or two words: « formation », « journée du réseau », « projet »."""
        return self.said.get("type") or self.said.get("serie") or KINDS[self.kind]

    @property
    def language(self) -> str:
        return self.said.get("langue", "fr")

    @property
    def chapters(self) -> list[str]:
        return self.said.get("chapitres", [])

    @property
    def links(self) -> dict[str, str]:
        return self.said.get("liens", {})

    @property
    def doubt(self) -> str:
        """What the sources do not agree on; empty where they do."""
        return self.said.get("doute", "")

    @property
    def year(self) -> str:
        return str(self.said.get("annee") or self.said.get("date", ""))[:4]

    @cached_property
    def verified(self) -> date:
        return date.fromisoformat(self.said["verifie"])

    @cached_property
    def start(self) -> date | datetime:
        """The day, or the moment in Paris, of an event or a letter; the first day of a month that is all
        one knows. Raises KeyError for an entry without date."""
        return _moment(self.said["date"])

    @cached_property
    def end(self) -> date | datetime:
        """The last day, or the moment when it ends."""
        return _moment(self.said.get("fin") or self.said["date"])

    def is_stale(self, day: date) -> bool:
        """Whether it was verified more than a year before `day`."""
        return (day - self.verified).days > STALE


@dataclass(frozen=True)
class Network:
    """Every entry, file by file in the order of `KINDS`, and what is wrong in the files."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]

    def of(self, kind: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind == kind]

    @cached_property
    def by_key(self) -> dict[str, Entry]:
        return {entry.key: entry for entry in self.entries}

    def for_chapter(self, name: str, kinds: Iterable[str]) -> list[Entry]:
        """The entries of these kinds that name the chapter `theme/name`."""
        return [entry for entry in self.entries if entry.kind in kinds and name in entry.chapters]


def today() -> date:
    """The day it is in Paris."""
    return datetime.now(PARIS).date()


def is_past(entry: Entry, day: date) -> bool:
    """Whether an event is over on that day: it is not, all along its last day."""
    end = entry.end
    return (end.date() if isinstance(end, datetime) else end) < day


def files(root: Path) -> list[Path]:
    """The data files and their schemas: what pages that show entries depend on."""
    return sorted([*(root / FOLDER).glob("*.yml"), *(root / FOLDER).glob("schemas/*.json")])


def read(root: Path) -> Network:
    """Every entry that is sound, and the problems of the others; empty where the book has no such folder."""
    kinds = [kind for kind in KINDS if (root / FOLDER / f"{kind}.yml").is_file()]
    looked_at = [*(root / "notebooks").glob("*/"), *(path for kind in kinds for path in _files(root, kind))]
    return _read(root, tuple(kinds), tuple(path.stat().st_mtime_ns for path in looked_at))


@lru_cache(maxsize=2)
def _read(root: Path, kinds: tuple[str, ...], changed: tuple[int, ...]) -> Network:
    """`changed`: when the files, and the folders of chapters, last did. Many rules and directives of a build
    ask for the same ones."""
    chapters = {f"{path.parent.name}/{path.stem}" for path in (root / "notebooks").glob("*/*.md")}
    entries: list[Entry] = []
    problems: list[Problem] = []
    for kind in kinds:
        found, wrong = _read_file(root, kind)
        entries += found
        problems += wrong
    problems += _repeated(entries) + _unknown_chapters(entries, chapters)
    return Network(tuple(entries), tuple(sorted(problems, key=lambda p: (p.file, p.line))))


def _files(root: Path, kind: str) -> tuple[Path, Path]:
    return root / FOLDER / f"{kind}.yml", root / FOLDER / f"schemas/{kind}.schema.json"


def _read_file(root: Path, kind: str) -> tuple[list[Entry], list[Problem]]:
    file = f"{FOLDER}/{kind}.yml"
    source, schema = (path.read_text(encoding="utf-8") for path in _files(root, kind))
    try:
        tree = yaml.compose(source, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        remedy = "corrigez cette ligne ; un texte qui contient « : » se met entre guillemets."
        return [], [Problem(file, line, f"ce fichier n'est pas du YAML lisible ({error.problem}).", remedy)]
    if not isinstance(tree, yaml.MappingNode):
        remedy = "écrivez « nom-de-l-entree: », puis ses clés en retrait."
        return [], [Problem(file, 1, "des entrées nommées sont attendues.", remedy)]
    validator = Draft202012Validator(json.loads(schema))
    values = yaml.load(source, Loader=_Loader)
    entries, problems, seen = [], [], {}
    for key, node in tree.value:
        line = key.start_mark.line + 1
        if key.value in seen:
            message = f"« {key.value} » est déjà le nom de l'entrée de la ligne {seen[key.value]}."
            problems.append(Problem(file, line, message, "donnez-lui un autre nom."))
            continue
        seen[key.value] = line
        wrong = list(_check(file, line, key.value, node, values[key.value], validator))
        problems += wrong
        if not wrong:
            entries.append(Entry(kind, key.value, line, values[key.value]))
    return entries, problems


def _check(
    file: str, line: int, name: str, node: yaml.Node, said: object, schema: Draft202012Validator
) -> Iterator[Problem]:
    if not isinstance(node, yaml.MappingNode):
        yield Problem(file, line, f"l'entrée « {name} » est vide.", "donnez-lui ses clés, en retrait.")
        return
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if key.value in lines:
            message = f"la clé « {key.value} » est donnée deux fois."
            yield Problem(file, key.start_mark.line + 1, message, "gardez-en une.")
        lines[key.value] = key.start_mark.line + 1
    known = schema.schema["properties"]
    for key in schema.schema["required"]:
        if key not in said:
            message = f"l'entrée « {name} » n'a pas de clé « {key} »."
            yield Problem(file, line, message, f"ajoutez-la : {known[key]['description']}.")
    for key, value in said.items():
        if key not in known:
            message = f"l'entrée « {name} » a une clé inconnue, « {key} »."
            remedy = f"corrigez-la ou retirez-la ; les clés sont {', '.join(known)}."
            yield Problem(file, lines[key], message, remedy)
        elif not schema.evolve(schema=known[key]).is_valid(value):
            message = f"la valeur de « {key} », {_shown(value)}, n'est pas admise."
            yield Problem(file, lines[key], message, f"donnez-lui {known[key]['description']}.")
    yield from _check_dates(file, lines, said)


def _shown(value: object) -> str:
    text = str(value)
    return f"« {text[:60]}… »" if len(text) > 60 else f"« {text} »"


def _check_dates(file: str, lines: dict[str, int], said: dict) -> Iterator[Problem]:
    """Dates that have the form of one and exist, an end that does not come before its beginning."""
    moments = {}
    for key in ("date", "fin", "verifie"):
        value = said.get(key)
        if isinstance(value, str):
            try:
                moments[key] = _moment(value)
            except ValueError:
                message = f"« {value} » n'est pas une date du calendrier."
                yield Problem(file, lines[key], message, "donnez-lui un jour et une heure qui existent.")
    start, end = moments.get("date"), moments.get("fin")
    if start is None or end is None:
        return
    if isinstance(start, datetime) != isinstance(end, datetime):
        message = "« date » et « fin » doivent avoir une heure toutes deux, ou aucune."
        yield Problem(file, lines["fin"], message, "ajoutez ou retirez l'heure.")
    elif end < start:
        yield Problem(file, lines["fin"], "la fin vient avant le début.", "corrigez l'une des deux dates.")


def _moment(text: str) -> date | datetime:
    """A day, or a moment in Paris. Raises ValueError where the calendar has no such day."""
    if len(text) > len("2026-11-26"):
        return datetime.fromisoformat(text).replace(tzinfo=PARIS)
    return date.fromisoformat(text if len(text) > len("2026-11") else f"{text}-01")


def _repeated(entries: list[Entry]) -> list[Problem]:
    """A name belongs to one entry, whatever its file: chapters cite entries by it."""
    seen: dict[str, Entry] = {}
    problems = []
    for entry in entries:
        first = seen.setdefault(entry.key, entry)
        if first is not entry:
            message = f"« {entry.key} » nomme aussi une entrée de {first.kind}.yml, ligne {first.line}."
            file = f"{FOLDER}/{entry.kind}.yml"
            problems.append(Problem(file, entry.line, message, "donnez-lui un autre nom."))
    return problems


def _unknown_chapters(entries: list[Entry], known: set[str]) -> list[Problem]:
    return [
        Problem(
            f"{FOLDER}/{entry.kind}.yml",
            entry.line,
            f"l'entrée « {entry.key} » cite le chapitre « {name} », qui n'existe pas.",
            "écrivez « thème/chapitre », le chemin du fichier dans notebooks, sans « .md ».",
        )
        for entry in entries
        for name in entry.chapters
        if name not in known
    ]
