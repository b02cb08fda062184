"""The line of a new chapter in the files that list chapters: the table of contents, the reading paths.

Text is inserted, so that comments and order stay; a chapter that is there already changes nothing.
"""

from __future__ import annotations

import yaml

TOC = "_toc.yml"
PATHS = "book/decouvrir/parcours.yml"
THEMES = {  # folder: caption of its part, in the order of the book
    "visualisation": "Visualisation",
    "collecte": "Collecte",
    "apprentissage": "Apprentissage",
    "pratiques": "Bonnes pratiques",
    "donnees-massives": "Données massives",
}
PARTS = ["Découvrir", "Le réseau", *THEMES.values(), "Contribuer", "Annexes"]
LEVELS = {"débutant": "debutant", "intermédiaire": "praticien", "avancé": "praticien"}  # level: path


class ListingError(Exception):
    """A file that cannot take the line; the message says why, in French."""


def add_to_contents(toc: str, theme: str, file: str) -> str:
    """The text of `_toc.yml` with `file` at the end of its theme's part, made where it is missing.

    Raises ListingError where the table of contents has no parts.
    """
    parts = _parts(toc)
    if not parts:
        raise ListingError(f"{TOC} n'a pas de « parts: » : le livre range ses chapitres en parties.")
    if any(file in files for _, files, _, _ in parts):
        return toc
    lines = toc.splitlines()
    for caption, files, _, last in parts:
        if caption == THEMES[theme] or any(f.startswith(f"notebooks/{theme}/") for f in files):
            indent = _indent(lines[last])
            return _joined(lines, last + 1, [f"{indent}- file: {file}"])
    later = PARTS[PARTS.index(THEMES[theme]) + 1 :]
    where = next((first for caption, _, first, _ in parts if caption in later), parts[-1][3] + 1)
    while lines[where - 1].lstrip().startswith("#") and where <= parts[-1][3]:
        where -= 1  # a comment goes with the part that it precedes
    indent = _indent(lines[parts[0][2]])
    new = [f"{indent}- caption: {THEMES[theme]}", f"{indent}  chapters:", f"{indent}    - file: {file}"]
    return _joined(lines, where, new)


def _parts(toc: str) -> list[tuple[str, list[str], int, int]]:
    """(caption, files, first line, line of the last file) of each part, lines counted from 0."""
    found = []
    root = yaml.compose(toc, Loader=yaml.SafeLoader)
    nodes = {key.value: value for key, value in root.value}
    for part in nodes["parts"].value if "parts" in nodes else []:
        entries = {key.value: value for key, value in part.value}
        files = [
            value for item in entries["chapters"].value for key, value in item.value if key.value == "file"
        ]
        caption = entries["caption"].value if "caption" in entries else ""
        last = files[-1].start_mark.line
        found.append((caption, [file.value for file in files], part.start_mark.line, last))
    return found


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def add_to_path(paths: str, level: str, name: str) -> str:
    """The text of the reading paths with the chapter `name` at the end of the path of its level."""
    if name in {step["chapitre"] for path in yaml.safe_load(paths).values() for step in path["etapes"]}:
        return paths
    nodes = {key.value: value for key, value in yaml.compose(paths, Loader=yaml.SafeLoader).value}
    if LEVELS[level] not in nodes:
        return paths
    entries = {key.value: value for key, value in nodes[LEVELS[level]].value}
    step = entries["etapes"].value[-1]
    last = max(value.end_mark.line for _, value in step.value)
    indent = " " * step.start_mark.column
    new = [f"{indent[:-2]}- chapitre: {name}", f"{indent}pourquoi: À ÉCRIRE, ce que ce chapitre y apporte."]
    return _joined(paths.splitlines(), last + 1, new)


def _joined(lines: list[str], where: int, new: list[str]) -> str:
    return "\n".join([*lines[:where], *new, *lines[where:]]) + "\n"
