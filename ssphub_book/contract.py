"""Check a chapter against the contract; every finding names its file, line, rule and remedy."""

from __future__ import annotations

import binascii
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from string import ascii_uppercase

import yaml
from jsonschema import Draft202012Validator
from nbformat import NotebookNode

from ssphub_book import figures
from ssphub_book.chapters import DATA, Cell, Chapter, ChapterError

LONGEST_CELL = 30  # lines
PARTS = ("La question et les données", "Les pièges", "En production", "Exercices", "Quiz")
LAST_PART = "Pour aller plus loin"
LEAST_EXERCISES = LEAST_QUESTIONS = 3
ITEM = re.compile(r"[-*+] (?:([A-Z])\.\s+(?=\S))?")  # a choice of a question, and its letter
ANSWER = re.compile(r"\*\*([A-Z])\.\*\*\s+\S")
DIRECTIVE_LINE = re.compile(r":\w[\w-]*:|[`:]{3,}\s*$")  # an option, or the closing fence
DATA_READ = re.compile(r"""(?:\bdonnees\(\s*["']|\.\./data/)(\w+)""")
EMPTY_ALT = re.compile(r"(figure|graphique|image|carte|photo|schéma)?\s*\d*\W*|\S+\.\w{3,4}", re.IGNORECASE)

SHOWN = re.compile(r"text/(?:plain|html|markdown|latex)|image/(?:png|jpeg|gif|svg\+xml)")
GLUED = "application/papermill.record/"  # a figure kept for the prose by `glue`
LIVE = re.compile(r"<(?:script|iframe|object|embed)\b", re.IGNORECASE)
NO_AXES = re.compile(r"<Figure size .+ with 0 Axes>")
LARGEST_BLANK = 20_000  # bytes: pictures of a single colour compress to less
REMEDY = "faites-la avec Altair (le livre en tire une figure interactive) ou avec Matplotlib."

FRONT_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        "question", "niveau", "duree", "objectifs", "prerequis", "donnees", "outils", "mots_cles",
        "sspcloud",
    ],
    "properties": {
        "question": {"type": "string", "minLength": 10, "pattern": r"\?$"},
        "niveau": {"enum": ["débutant", "intermédiaire", "avancé"]},
        "duree": {"type": "integer", "minimum": 5, "maximum": 180},
        "objectifs": {"type": "array", "minItems": 3, "maxItems": 5, "items": {"type": "string"}},
        "prerequis": {"type": "array", "items": {"type": "string"}},
        "donnees": {"type": "array", "items": {"type": "string"}},
        "outils": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        "mots_cles": {"type": "array", "minItems": 3, "items": {"type": "string"}},
        "sspcloud": {
            "type": "object",
            "additionalProperties": False,
            "required": ["chart", "memoire"],
            "properties": {
                "chart": {"enum": ["jupyter-python", "jupyter-pyspark"]},
                "memoire": {"type": "string", "pattern": r"^\d+Gi$"},
            },
        },
    },
}  # fmt: skip
EXPECTED = {
    "question": "une phrase qui finit par « ? »",
    "niveau": "débutant, intermédiaire ou avancé",
    "duree": "un nombre entier de minutes, de 5 à 180",
    "objectifs": "une liste de trois à cinq objectifs, chacun commençant par un verbe",
    "prerequis": "une liste de chapitres (« thème/chapitre »), éventuellement vide : []",
    "donnees": "une liste de dossiers de notebooks/data, éventuellement vide : []",
    "outils": "une liste d'au moins un logiciel ou une bibliothèque que le chapitre emploie",
    "mots_cles": "une liste d'au moins trois mots que chercherait un lecteur",
    "sspcloud": "les clés chart (jupyter-python ou jupyter-pyspark) et memoire (par exemple 4Gi)",
}


@dataclass(frozen=True, order=True)
class Finding:
    """One breach of the contract, in French for the author."""

    file: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}  {self.rule}  {self.message}"


def check(chapter: Chapter, toc: set[str]) -> list[Finding]:
    """All findings on one chapter; `toc` holds the files named in `_toc.yml`, without extension."""
    try:
        chapter.parse()
    except ChapterError as error:
        return [Finding(chapter.file, error.line, "lecture", error.message)]
    rules = (_front, _kernel, _listed, _data, _prerequisites, _parts, _exercises, _quiz, _cells, _figures)
    return sorted(finding for rule in rules for finding in rule(chapter, toc))


def check_book(chapters: list[Chapter], root: Path) -> list[Finding]:
    """Findings on every chapter, and on `_toc.yml` where it names a file that is not there."""
    toc = table_of_contents(root)
    findings = [finding for chapter in chapters for finding in check(chapter, set(toc))]
    for file, line in toc.items():
        if not any((root / f"{file}{suffix}").is_file() for suffix in (".md", ".ipynb", ".rst")):
            message = f"« {file} » n'existe pas : corrigez son nom ou retirez la ligne."
            findings.append(Finding("_toc.yml", line, "table-des-matieres", message))
    return findings


def table_of_contents(root: Path) -> dict[str, int]:
    """Files named in `_toc.yml` (root, chapters, sections), with their line."""
    text = (root / "_toc.yml").read_text(encoding="utf-8")
    found: dict[str, int] = {}

    def walk(node: yaml.Node) -> None:
        if isinstance(node, yaml.SequenceNode):
            for item in node.value:
                walk(item)
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value in {"file", "root"}:
                    found[value.value.removesuffix(".md")] = value.start_mark.line + 1
                walk(value)

    walk(yaml.compose(text, Loader=yaml.SafeLoader))
    return found


def check_outputs(chapter: Chapter, notebook: NotebookNode) -> list[Finding]:
    """Findings that only an executed chapter shows: figures, tables and messages of its outputs."""
    nodes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return sorted(
        finding
        for cell, node in zip(chapter.cells, nodes, strict=True)
        if "remove-cell" not in cell.tags
        for finding in _outputs(chapter, cell, node)
    )


def _front(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    front = chapter.header.get("chapitre")
    if not isinstance(front, dict):
        message = "la clé « chapitre: » manque dans l'en-tête : reprenez celui d'un autre chapitre."
        yield Finding(chapter.file, 1, "en-tete", message)
        return
    for error in Draft202012Validator(FRONT_SCHEMA).iter_errors(front):
        yield _front_finding(chapter, error)


def _front_finding(chapter: Chapter, error) -> Finding:
    if error.validator == "required" and not error.path:
        key = re.search(r"'(\w+)'", error.message)[1]
        line, message = chapter.line_of("chapitre"), f"la clé « {key} » manque : {EXPECTED[key]}."
    elif error.validator == "additionalProperties" and not error.path:
        key = next(iter(set(error.instance) - set(FRONT_SCHEMA["properties"])))
        line, message = chapter.line_of(key), f"la clé « {key} » est inconnue : corrigez-la ou retirez-la."
    else:
        key = error.path[0] if error.path else "chapitre"
        expected = EXPECTED.get(key, "les clés de l'en-tête d'un autre chapitre")
        line, message = chapter.line_of(key), f"la clé « {key} » attend {expected}."
    return Finding(chapter.file, line, "en-tete", message)


def _kernel(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    text = (chapter.header.get("jupytext") or {}).get("text_representation") or {}
    if text.get("format_name") != "myst" or "kernelspec" not in chapter.header:
        message = "il manque « jupytext » (format_name: myst) ou « kernelspec » : rien ne s'exécuterait."
        yield Finding(chapter.file, 1, "en-tete", message)


def _listed(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    file = chapter.file.removesuffix(".md")
    if file not in toc:
        message = f"ce chapitre n'est pas dans _toc.yml : ajoutez-y la ligne « - file: {file} »."
        yield Finding(chapter.file, 1, "table-des-matieres", message)


def _data(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    folder = chapter.root / DATA
    known = sorted(path.name for path in folder.glob("*/")) if folder.is_dir() else []
    for name in chapter.data:
        if name not in known:
            message = f"le jeu de données « {name} » n'existe pas dans {DATA} (il y a : {', '.join(known)})."
            yield Finding(chapter.file, chapter.line_of("donnees"), "donnees", message)
    for cell in chapter.cells:
        for name in sorted(set(DATA_READ.findall(cell.source)) - set(chapter.data)):
            message = f"la cellule lit « {name} », que l'en-tête (donnees) ne déclare pas : ajoutez-le."
            yield Finding(chapter.file, cell.line, "donnees", message)


def _prerequisites(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    for name in chapter.front.get("prerequis") or []:
        if f"notebooks/{name}" not in toc:
            message = f"le prérequis « {name} » n'est pas un chapitre de _toc.yml."
            yield Finding(chapter.file, chapter.line_of("prerequis"), "en-tete", message)


def _parts(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    titles = [line for line, level, _ in chapter.headings if level == 1]
    if len(titles) != 1:
        line = titles[1] if titles else 1
        yield Finding(chapter.file, line, "parties", "un chapitre a un titre de niveau 1, et un seul.")
    parts = {title: line for line, level, title in chapter.headings if level == 2}
    wanted = (*PARTS, LAST_PART)
    for missing in (part for part in wanted if part not in parts):
        yield Finding(chapter.file, 1, "parties", f"la partie « ## {missing} » manque.")
    present = [part for part in wanted if part in parts]
    for before, after in pairwise(present):
        if parts[before] > parts[after]:
            message = f"« {before} » doit venir avant « {after} »."
            yield Finding(chapter.file, parts[before], "parties", message)
    yield from _essential(chapter, parts)
    yield from _levels(chapter)


def _essential(chapter: Chapter, parts: dict[str, int]) -> Iterator[Finding]:
    box = next((n for n, line in enumerate(chapter.lines, 1) if ":class: essentiel" in line), None)
    if box is None:
        message = "l'encadré « L'essentiel » manque (admonition de classe essentiel, sous le titre)."
        yield Finding(chapter.file, 1, "parties", message)
    elif parts and box > min(parts.values()):
        message = "« L'essentiel » doit venir avant la première partie."
        yield Finding(chapter.file, box, "parties", message)


def _levels(chapter: Chapter) -> Iterator[Finding]:
    previous = 0
    for line, level, title in chapter.headings:
        if level > previous + 1:
            message = f"« {title} » saute un niveau de titre : de {previous} à {level}."
            yield Finding(chapter.file, line, "titres", message)
        previous = level


def _exercises(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    exercises = chapter.numbered("Exercice")
    if len(exercises) < LEAST_EXERCISES:
        message = f"{len(exercises)} exercice(s) : il en faut au moins {LEAST_EXERCISES}."
        yield Finding(chapter.file, 1, "exercices", message)
    for first, last, title in exercises:
        cells = [cell for cell in chapter.cells if first <= cell.line <= last]
        tags = {tag for cell in cells for tag in cell.tags}
        missing = [tag for tag in ("exercice", "solution", "controle") if tag not in tags]
        if "{dropdown} Indice" not in "\n".join(chapter.lines[first - 1 : last]):
            missing.append("{dropdown} Indice")
        if missing:
            message = f"« {title} » : il manque {', '.join(missing)}."
            yield Finding(chapter.file, first, "exercices", message)
        else:
            yield from _control(chapter, cells, title)


def _control(chapter: Chapter, cells: list[Cell], title: str) -> Iterator[Finding]:
    """Every exercise is checked by `verifier`, and its check is put to the trial by `eprouver`."""
    controls = [cell for cell in cells if "controle" in cell.tags]
    called = re.findall(r"^verifier\(\s*(\w+)", "\n".join(cell.source for cell in controls), re.MULTILINE)
    line = controls[0].line
    if not called:
        message = f"« {title} » : le contrôle n'appelle pas verifier(…), du module cahiers."
        yield Finding(chapter.file, line, "exercices", message)
    hidden = "\n".join(cell.source for cell in chapter.cells if "verification" in cell.tags)
    for name in called:
        if not re.search(rf"\beprouver\(\s*{name}\b", hidden):
            message = (
                f"« {title} » : aucune cellule « verification » n'appelle eprouver({name}, …), qui prouve "
                "que le contrôle accepte la solution et reconnaît des fautes plausibles."
            )
            yield Finding(chapter.file, line, "exercices", message)


def _quiz(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    questions = chapter.numbered("Question")
    if len(questions) < LEAST_QUESTIONS:
        message = f"{len(questions)} question(s) au quiz : il en faut au moins {LEAST_QUESTIONS}."
        yield Finding(chapter.file, 1, "quiz", message)
    for first, last, title in questions:
        lines = list(enumerate(chapter.lines[first - 1 : last], start=first))
        folded = next((i for i, (_, line) in enumerate(lines) if "{dropdown} Réponse" in line), None)
        if folded is None:
            yield Finding(chapter.file, first, "quiz", f"« {title} » n'a pas de réponse expliquée.")
            continue
        choices = [(number, line) for number, line in lines[:folded] if ITEM.match(line)]
        for line, message in (*_choices(choices, first), *_answer(lines[folded:], len(choices))):
            yield Finding(chapter.file, line, "quiz", f"« {title} » : {message}")


def _choices(choices: list[tuple[int, str]], heading: int) -> Iterator[tuple[int, str]]:
    """What is wrong in the choices of a question, with its line."""
    if len(choices) < 2:
        yield heading, "il faut au moins deux choix, « - A. … » puis « - B. … »."
    for letter, (number, line) in zip(ascii_uppercase, choices, strict=False):
        if ITEM.match(line)[1] != letter:
            yield number, f"ce choix doit commencer par « - {letter}. », suivi de son texte."
            return


def _answer(lines: list[tuple[int, str]], choices: int) -> Iterator[tuple[int, str]]:
    """What is wrong in the folded answer of a question, with its line."""
    text = [(number, line) for number, line in lines[1:] if line.strip() and not DIRECTIVE_LINE.match(line)]
    number, line = text[0] if text else lines[0]
    answer = ANSWER.match(line)
    if answer is None:
        yield number, "la réponse doit commencer par sa lettre en gras, « **B.** », suivie de l'explication."
    elif answer[1] not in ascii_uppercase[:choices]:
        yield number, f"la réponse est {answer[1]}, qui n'est pas un des choix."


def _cells(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    checks = [cell for cell in chapter.cells if "verification" in cell.tags]
    if not any("assert" in cell.source for cell in checks):
        message = "aucune cellule « verification » : vérifiez chaque résultat dont le texte dépend."
        yield Finding(chapter.file, 1, "verification", message)
    for cell in chapter.cells:
        if "verification" in cell.tags and "remove-cell" not in cell.tags:
            message = "une cellule « verification » porte aussi « remove-cell », pour rester hors de la page."
            yield Finding(chapter.file, cell.line, "verification", message)
        length = len(cell.source.splitlines())
        if length > LONGEST_CELL and "verification" not in cell.tags:
            message = f"{length} lignes de code : coupez la cellule (au plus {LONGEST_CELL})."
            yield Finding(chapter.file, cell.line, "cellule-longue", message)


def _figures(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    for cell in chapter.cells:
        if "plt.show(" in cell.source and "remove-cell" not in cell.tags:
            yield from _described(chapter, cell)


def _described(chapter: Chapter, cell: Cell) -> Iterator[Finding]:
    options = cell.metadata.get("mystnb") or {}
    alt = str((options.get("image") or {}).get("alt") or "").strip()
    if not alt:
        message = "figure sans texte de remplacement : ajoutez « mystnb: image: alt: » à la cellule."
        yield Finding(chapter.file, cell.line, "figure", message)
    elif EMPTY_ALT.fullmatch(alt):
        message = f"le texte de remplacement « {alt} » ne dit rien : dites ce que montre la figure."
        yield Finding(chapter.file, cell.line, "figure", message)
    if not (options.get("figure") or {}).get("caption"):
        message = "figure sans légende : ajoutez « mystnb: figure: caption: » à la cellule."
        yield Finding(chapter.file, cell.line, "figure", message)


def _outputs(chapter: Chapter, cell: Cell, node: NotebookNode) -> Iterator[Finding]:
    if "remove-output" in cell.tags:
        return
    data = [output.get("data", {}) for output in node.outputs]
    charts = [bool(figures.CHART.search(item.get("text/html", ""))) for item in data]
    if any(charts) or any(key.startswith("image/") for item in data for key in item):
        yield from (f for f in _described(chapter, cell) if f not in _figures(chapter, set()))
    for item in data:
        if message := _blank(chapter, item):
            yield Finding(chapter.file, cell.line, "figure-vide", message)
    if any("<table" in item.get("text/html", "") for item in data) and not cell.metadata.get("tableau"):
        message = 'tableau sans légende : ajoutez l\'option « tableau: "…" » à la cellule.'
        yield Finding(chapter.file, cell.line, "tableau", message)
    said = "".join(o.get("text", "") for o in node.outputs if o.get("name") == "stderr").strip()
    if said:
        message = f"la cellule écrit un avertissement sur la page : « {said.splitlines()[0][:120]} »."
        yield Finding(chapter.file, cell.line, "avertissement", message)


def _blank(chapter: Chapter, data: dict) -> str | None:
    """Why one output would leave a blank on the page; None where it shows."""
    html = data.get("text/html", "")
    unknown = [key for key in data if not SHOWN.fullmatch(key) and not key.startswith(GLUED)]
    if (spec := figures.specification(html)) and not unknown:
        try:
            figures.render(spec, chapter.root)
        except figures.FigureError as error:
            return str(error)
    elif unknown:
        return f"la page ne peut pas montrer cette sortie ({unknown[0]}), elle resterait vide : {REMEDY}"
    elif LIVE.search(html):
        return f"la page n'exécute pas le script de cette figure, elle resterait vide : {REMEDY}"
    elif NO_AXES.fullmatch(data.get("text/plain", "").strip()) or _one_colour(data.get("image/png", "")):
        return "la figure sort vide : tracez-la dans la cellule qui l'affiche, ou retirez cet affichage."
    return None


def _one_colour(png: str) -> bool:
    """Whether a picture, encoded as notebooks do, is of a single colour."""
    if not png or len(png) > LARGEST_BLANK:
        return False
    from PIL import Image

    with Image.open(io.BytesIO(binascii.a2b_base64(png))) as image:
        return all(low == high for low, high in image.convert("RGB").getextrema())
