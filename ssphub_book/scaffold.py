"""Start a chapter: a file that passes every check at once, its data set, its line in `_toc.yml`.

The template is in `template/`. What it says of the data (columns, figures, assertions) is read from the
data set itself. Nothing is written unless everything can be.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import Template

import yaml

from ssphub_book import chapters, contract, demonstration, formatting
from ssphub_book.contract.header import FRONT_SCHEMA
from ssphub_book.listing import LEVELS, PATHS, THEMES, TOC, ListingError, add_to_contents, add_to_path

TEMPLATE = Path(__file__).resolve().parent / "template"
DATA_TEMPLATE = TEMPLATE / "jeu_de_donnees"
WRITTEN = {
    ".md": "le chapitre",
    "SOURCE.md": "la fiche du jeu de données, à remplir",
    "extract.py": "le programme qui refait le jeu",
    ".parquet": "le jeu de données",
}
LISTINGS = {TOC: "sa ligne dans la table des matières", PATHS: "son étape dans un parcours de lecture"}
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
DATA_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class ScaffoldError(Exception):
    """A chapter that cannot be started; the message says in French what is wrong and what to do."""


@dataclass(frozen=True)
class Answers:
    """What the author says of the chapter, each answer checked."""

    theme: str
    question: str
    title: str
    name: str
    level: str
    data: str


@dataclass(frozen=True)
class Question:
    """One thing to ask. `check` returns the answer put right, or raises ScaffoldError."""

    key: str
    option: str
    text: str
    check: Callable[[str], str]
    default: str = ""


def create(root: Path, answers: Answers) -> list[Path]:
    """Write the chapter and what it needs; return the files, relative to `root`.

    Raises ScaffoldError, and leaves nothing behind, where a file cannot be written.
    """
    contents = _contents(root, answers)
    made: list[Path] = []
    before = {path: path.read_bytes() for path in contents if path.exists()}
    try:
        for path, content in contents.items():
            made += _missing(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except BaseException as error:
        _undo(made, before)
        if isinstance(error, OSError):
            where = Path(error.filename or root)
            message = f"impossible d'écrire {where} ({error.strerror}) : vérifiez les droits du dossier."
            raise ScaffoldError(message) from None
        raise
    return [path.relative_to(root) for path in contents]


def places(root: Path, answers: Answers, files: list[Path]) -> list[str]:
    """Where the chapter is now, `file` or `file:line`, and what each place is."""
    found = []
    for file in files:
        if file.as_posix() not in LISTINGS:
            found.append(f"{file}  ({WRITTEN[file.name if file.name in WRITTEN else file.suffix]})")
            continue
        lines = (root / file).read_text(encoding="utf-8").splitlines()
        numbers = [n for n, line in enumerate(lines, 1) if line.endswith(f"{answers.theme}/{answers.name}")]
        found += [f"{file}:{number}  ({LISTINGS[file.as_posix()]})" for number in numbers]
    return found


def ask(
    root: Path, given: dict[str, str | None], read: Callable[[str], str] | None, say: Callable[[str], None]
) -> Answers:
    """The answers: those `given` as options, the others asked one at a time by `read`.

    `read` is None where there is no terminal. Raises ScaffoldError where an option is wrong, or is
    missing while nobody can be asked; a wrong answer is explained by `say` and asked again.
    """
    _refuse_elsewhere(root)
    found: dict[str, str] = {}
    for key in ("theme", "question", "title", "name", "level", "data"):
        question = _question(root, key, found)
        if given.get(key) is not None:
            found[key] = _checked(question, given[key] or "")
        elif read is None:
            message = f"il manque l'option {question.option} : sans terminal, rien ne peut être demandé."
            raise ScaffoldError(message)
        else:
            found[key] = _answer(question, read, say)
    return Answers(**found)


def _checked(question: Question, answer: str) -> str:
    try:
        return question.check(answer.strip())
    except ScaffoldError as error:
        raise ScaffoldError(f"{question.option} : {error}") from None


def _answer(question: Question, read: Callable[[str], str], say: Callable[[str], None]) -> str:
    default = f" [{question.default}]" if question.default else ""
    while True:
        try:
            return question.check(read(f"{question.text}{default} : ").strip() or question.default)
        except EOFError:
            raise ScaffoldError("la saisie s'est arrêtée : rien n'est écrit.") from None
        except ScaffoldError as error:
            say(f"  {str(error)[:1].upper()}{str(error)[1:]}")


def _question(root: Path, key: str, found: dict[str, str]) -> Question:
    """The question to ask for `key`, given the answers to those before it."""
    match key:
        case "theme":
            text = f"Thème ({', '.join(THEMES)})"
            return Question(key, "--theme", text, _among(THEMES), next(iter(THEMES)))
        case "question":
            text = "La question à laquelle le chapitre répond, finie par « ? »"
            return Question(key, "--question", text, _check_question)
        case "title":
            default = found["question"].removesuffix("?").strip()
            return Question(key, "--titre", "Titre du chapitre", _check_title, default)
        case "name":
            text = "Nom du fichier (minuscules sans accent, chiffres, tirets)"
            default = slug(found["title"])
            return Question(key, "--nom", text, lambda a: _check_name(root, found["theme"], a), default)
        case "level":
            text = f"Niveau ({', '.join(LEVELS)})"
            return Question(key, "--niveau", text, _among(LEVELS), next(iter(LEVELS)))
    names = demonstrable_sets(root)
    text = f"Jeu de données ({', '.join(names)}, ou un nouveau nom)"
    return Question(key, "--donnees", text, lambda a: _check_data(root, a), next(iter(names), ""))


def slug(text: str, separator: str = "-") -> str:
    """A file name for a title: lower case, no accent, words joined by `separator`."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("œ", "oe").replace("æ", "ae"))
    words = re.findall(r"[a-z0-9]+", "".join(c for c in plain if not unicodedata.combining(c)))
    return separator.join(words)


def data_sets(root: Path) -> list[str]:
    """Names of the data sets of the book."""
    return sorted(path.parent.name for path in (root / chapters.DATA).glob("*/SOURCE.md"))


def demonstrable_sets(root: Path) -> list[str]:
    """Those of the data sets that the template has two columns to compare in."""
    return [name for name in data_sets(root) if _is_demonstrable(root / chapters.DATA / name)]


def _is_demonstrable(folder: Path) -> bool:
    try:
        demonstration.values(folder / f"{folder.name}.parquet")
    except demonstration.NothingToCompare:
        return False
    return True


def _refuse_elsewhere(root: Path) -> None:
    missing = [name for name in (TOC, "_config.yml", chapters.NOTEBOOKS) if not (root / name).exists()]
    if missing:
        message = (
            f"{root} n'est pas un clone du livre (il y manque {', '.join(missing)}) : placez-vous à la "
            "racine du clone, là où est _toc.yml, puis relancez la commande."
        )
        raise ScaffoldError(message)


def _among(allowed: dict[str, str]) -> Callable[[str], str]:
    def check(answer: str) -> str:
        if answer not in allowed:
            raise ScaffoldError(f"« {answer} » n'est pas une des valeurs possibles : {', '.join(allowed)}.")
        return answer

    return check


def _check_question(answer: str) -> str:
    if not answer.endswith("?"):
        raise ScaffoldError(f"la question « {answer} » doit finir par « ? ».")
    if len(answer) < FRONT_SCHEMA["properties"]["question"]["minLength"] or "\n" in answer:
        raise ScaffoldError(f"la question « {answer} » est trop courte : écrivez une phrase.")
    return answer


def _check_title(answer: str) -> str:
    if not slug(answer) or "\n" in answer or answer.startswith("#"):
        raise ScaffoldError("le titre tient en une ligne, sans « # » au début.")
    return answer


def _check_name(root: Path, theme: str, answer: str) -> str:
    if not SLUG.fullmatch(answer):
        would_do = slug(answer)
        advice = f"« {would_do} » conviendrait" if would_do else "par exemple « indices-de-prix »"
        message = f"le nom « {answer} » doit tenir en minuscules sans accent, chiffres et tirets : {advice}."
        raise ScaffoldError(message)
    taken = sorted((root / chapters.NOTEBOOKS).glob(f"*/{answer}.md"))
    if taken:
        file = taken[0].relative_to(root)
        raise ScaffoldError(f"un chapitre porte déjà ce nom ({file}) : choisissez-en un autre.")
    if f"{chapters.NOTEBOOKS}/{theme}/{answer}" in contract.table_of_contents(root):
        raise ScaffoldError(f"{TOC} nomme déjà « {answer} » : retirez sa ligne, ou changez de nom.")
    return answer


def _check_data(root: Path, answer: str) -> str:
    if not DATA_NAME.fullmatch(answer):
        would_do = slug(answer, "_").lstrip("0123456789_")
        advice = f"« {would_do} » conviendrait" if would_do else "par exemple « prix_communes »"
        message = f"le nom « {answer} » doit tenir en minuscules sans accent, chiffres et « _ » : {advice}."
        raise ScaffoldError(message)
    folder = root / chapters.DATA / answer
    if folder.exists() and answer not in data_sets(root):
        raise ScaffoldError(f"le dossier {folder.relative_to(root)} existe, sans SOURCE.md : complétez-le.")
    if answer in data_sets(root):
        try:
            _values(folder / f"{answer}.parquet")
        except ScaffoldError as error:
            others = ", ".join([*demonstrable_sets(root), "un nouveau nom"])
            remedy = f"Commencez avec un de ceux-ci : {others} ; vous changerez de jeu dans le chapitre."
            raise ScaffoldError(f"{error} {remedy}") from None
    return answer


# --- what is written ----------------------------------------------------------------------------------


def _contents(root: Path, answers: Answers) -> dict[Path, bytes]:
    """The content of each file to write; `_toc.yml` and the reading paths come last."""
    folder = root / chapters.DATA / answers.data
    table, beside = folder / f"{answers.data}.parquet", {}
    if folder.exists():
        source = (folder / "SOURCE.md").read_text(encoding="utf-8")
        values = _values(table)
    else:
        source = _fill("jeu_de_donnees/SOURCE.md", {"donnees": answers.data})
        values = _values(DATA_TEMPLATE / "donnees.parquet")
        beside = {
            folder / "SOURCE.md": source.encode(),
            folder / "extract.py": (DATA_TEMPLATE / "extract.py").read_bytes(),
            table: (DATA_TEMPLATE / "donnees.parquet").read_bytes(),
        }
    values |= _about(answers, next(yaml.safe_load_all(source)))
    chapter = root / chapters.NOTEBOOKS / answers.theme / f"{answers.name}.md"
    text = formatting.formatted(chapters.Chapter(root, chapter, _fill("chapitre.md", values)))
    return {chapter: text.encode()} | beside | _listings(root, answers)


def _listings(root: Path, answers: Answers) -> dict[Path, bytes]:
    """The files that list chapters, with this one in them."""
    name = f"{answers.theme}/{answers.name}"
    toc = (root / TOC).read_text(encoding="utf-8")
    try:
        listings = {root / TOC: add_to_contents(toc, answers.theme, f"{chapters.NOTEBOOKS}/{name}")}
    except ListingError as error:
        raise ScaffoldError(str(error)) from None
    if (root / PATHS).is_file():
        steps = (root / PATHS).read_text(encoding="utf-8")
        listings[root / PATHS] = add_to_path(steps, answers.level, name)
    return {path: text.encode() for path, text in listings.items()}


def _values(parquet: Path) -> dict[str, object]:
    try:
        return demonstration.values(parquet)
    except demonstration.NothingToCompare as error:
        raise ScaffoldError(str(error)) from None


def _fill(name: str, values: dict[str, object]) -> str:
    return Template((TEMPLATE / name).read_text(encoding="utf-8")).substitute(values)


def _about(answers: Answers, source: dict) -> dict[str, object]:
    """What the template takes from the answers and from the description of the data."""
    return {
        "titre": answers.title,
        "question": _yaml(answers.question),
        "niveau": answers.level,
        "nom": answers.name,
        "donnees": answers.data,
        "titre_donnees": source["titre"],
        "producteur": source["producteur"],
    }


def _yaml(text: str) -> str:
    """A text as the value of a YAML key, in quotes where it needs them."""
    return yaml.safe_dump(text, allow_unicode=True, width=float("inf")).removesuffix("...\n").strip()


# --- all or nothing -------------------------------------------------------------------------------------


def _missing(path: Path) -> list[Path]:
    """What writing this file creates, outermost folder first."""
    return [p for p in reversed((path, *path.parents)) if not p.exists()]


def _undo(made: list[Path], before: dict[Path, bytes]) -> None:
    for path, content in before.items():
        if path.read_bytes() != content:
            path.write_bytes(content)
    for path in reversed(made):
        if path.is_dir():
            path.rmdir()
        elif path.exists():
            path.unlink()
