"""The front matter: what a chapter says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jsonschema import Draft202012Validator

from ssphub_book.chapters import DATA, Chapter
from ssphub_book.contract.finding import Finding

DATA_READ = re.compile(r"""(?:\bdonnees\(\s*["']|\.\./data/)(\w+)""")
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


def _front(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    front = chapter.header.get("chapitre")
    if not isinstance(front, dict):
        message, remedy = "la clé « chapitre: » manque dans l'en-tête.", "reprenez celui d'un autre chapitre."
        yield Finding(chapter.file, 1, "en-tete", message, remedy)
        return
    for error in Draft202012Validator(FRONT_SCHEMA).iter_errors(front):
        yield _front_finding(chapter, error)


def _front_finding(chapter: Chapter, error) -> Finding:
    if error.validator == "required" and not error.path:
        key = re.search(r"'(\w+)'", error.message)[1]
        line, message = chapter.line_of("chapitre"), f"la clé « {key} » manque."
        remedy = f"ajoutez-la : {EXPECTED[key]}."
    elif error.validator == "additionalProperties" and not error.path:
        key = next(iter(set(error.instance) - set(FRONT_SCHEMA["properties"])))
        line, message = chapter.line_of(key), f"la clé « {key} » est inconnue."
        remedy = "corrigez-la ou retirez-la."
    else:
        key = error.path[0] if error.path else "chapitre"
        expected = EXPECTED.get(key, "les clés de l'en-tête d'un autre chapitre")
        line, message = chapter.line_of(key), f"la valeur de la clé « {key} » n'est pas admise."
        remedy = f"donnez-lui {expected}."
    return Finding(chapter.file, line, "en-tete", message, remedy)


def _kernel(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    text = (chapter.header.get("jupytext") or {}).get("text_representation") or {}
    if text.get("format_name") != "myst" or "kernelspec" not in chapter.header:
        message = "il manque « jupytext » (format_name: myst) ou « kernelspec » : rien ne s'exécuterait."
        yield Finding(chapter.file, 1, "en-tete", message, "reprenez ces lignes d'un autre chapitre.")


def _data(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    folder = chapter.root / DATA
    for name in chapter.data:
        if not (folder / name).is_dir():
            known = sorted(path.name for path in folder.glob("*/"))
            message = f"le jeu de données « {name} » n'existe pas dans {DATA}."
            remedy = f"ajoutez son dossier, ou prenez un nom de la liste : {', '.join(known)}."
            yield Finding(chapter.file, chapter.line_of("donnees"), "donnees", message, remedy)
    for cell in chapter.cells:
        for name in sorted(set(DATA_READ.findall(cell.source)) - set(chapter.data)):
            message = f"la cellule lit « {name} », que l'en-tête ne déclare pas."
            remedy = f"ajoutez « {name} » à la clé « donnees » de l'en-tête."
            yield Finding(chapter.file, cell.line, "donnees", message, remedy)


def _prerequisites(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    for name in chapter.front.get("prerequis") or []:
        if f"notebooks/{name}" not in toc:
            message = f"le prérequis « {name} » n'est pas un chapitre de _toc.yml."
            remedy = "écrivez-le « thème/chapitre », ou retirez-le."
            yield Finding(chapter.file, chapter.line_of("prerequis"), "en-tete", message, remedy)


RULES = (_front, _kernel, _data, _prerequisites)
