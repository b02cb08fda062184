"""The exercises and the quiz."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import ascii_uppercase

from ssphub_book.chapters import Cell, Chapter
from ssphub_book.contract.finding import Finding

LEAST_EXERCISES = LEAST_QUESTIONS = 3
ITEM = re.compile(r"[-*+] (?:([A-Z])\.\s+(?=\S))?")  # a choice of a question, and its letter
ANSWER = re.compile(r"\*\*([A-Z])\.\*\*\s+\S")
DIRECTIVE_LINE = re.compile(r":\w[\w-]*:|[`:]{3,}\s*$")  # an option, or the closing fence


def _exercises(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    exercises = chapter.numbered("Exercice")
    if len(exercises) < LEAST_EXERCISES:
        message = f"{len(exercises)} exercice(s) : il en faut au moins {LEAST_EXERCISES}."
        remedy = "ajoutez des titres « ### Exercice 1 : … »."
        yield Finding(chapter.file, 1, "exercices", message, remedy)
    for first, last, title in exercises:
        cells = [cell for cell in chapter.cells if first <= cell.line <= last]
        tags = {tag for cell in cells for tag in cell.tags}
        missing = [tag for tag in ("exercice", "solution", "controle") if tag not in tags]
        if "{dropdown} Indice" not in "\n".join(chapter.lines[first - 1 : last]):
            missing.append("{dropdown} Indice")
        if missing:
            message = f"« {title} » : il manque {', '.join(missing)}."
            remedy = "donnez à l'exercice un indice, un squelette, une solution et un contrôle."
            yield Finding(chapter.file, first, "exercices", message, remedy)
        else:
            yield from _control(chapter, cells, title)


def _control(chapter: Chapter, cells: list[Cell], title: str) -> Iterator[Finding]:
    """Every exercise is checked by `verifier`, and its check is put to the trial by `eprouver`."""
    controls = [cell for cell in cells if "controle" in cell.tags]
    called = re.findall(r"^verifier\(\s*(\w+)", "\n".join(cell.source for cell in controls), re.MULTILINE)
    line = controls[0].line
    if not called:
        message = f"« {title} » : le contrôle n'appelle pas verifier(…)."
        remedy = "écrivez-le comme une fonction, et passez-la à verifier, du module cahiers."
        yield Finding(chapter.file, line, "exercices", message, remedy)
    hidden = "\n".join(cell.source for cell in chapter.cells if "verification" in cell.tags)
    for name in called:
        if not re.search(rf"\beprouver\(\s*{name}\b", hidden):
            message = f"« {title} » : rien ne prouve que le contrôle reconnaît une faute."
            remedy = f"appelez eprouver({name}, solution, fautes) dans une cellule « verification »."
            yield Finding(chapter.file, line, "exercices", message, remedy)


def _quiz(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    questions = chapter.numbered("Question")
    if len(questions) < LEAST_QUESTIONS:
        message = f"{len(questions)} question(s) au quiz : il en faut au moins {LEAST_QUESTIONS}."
        yield Finding(chapter.file, 1, "quiz", message, "ajoutez des titres « ### Question 1 : … ».")
    for first, last, title in questions:
        lines = list(enumerate(chapter.lines[first - 1 : last], start=first))
        folded = next((i for i, (_, line) in enumerate(lines) if "{dropdown} Réponse" in line), None)
        if folded is None:
            message = f"« {title} » n'a pas de réponse expliquée."
            yield Finding(chapter.file, first, "quiz", message, "ajoutez un bloc {dropdown} Réponse.")
            continue
        choices = [(number, line) for number, line in lines[:folded] if ITEM.match(line)]
        for line, message, remedy in (*_choices(choices, first), *_answer(lines[folded:], len(choices))):
            yield Finding(chapter.file, line, "quiz", f"« {title} » : {message}", remedy)


def _choices(choices: list[tuple[int, str]], heading: int) -> Iterator[tuple[int, str, str]]:
    """What is wrong in the choices of a question: line, message and remedy."""
    if len(choices) < 2:
        yield heading, "il faut au moins deux choix.", "écrivez « - A. … » puis « - B. … »."
    for letter, (number, line) in zip(ascii_uppercase, choices, strict=False):
        if ITEM.match(line)[1] != letter:
            remedy = f"faites-le commencer par « - {letter}. », suivi de son texte."
            yield number, "la lettre de ce choix, ou son texte, n'est pas celle attendue.", remedy
            return


def _answer(lines: list[tuple[int, str]], choices: int) -> Iterator[tuple[int, str, str]]:
    """What is wrong in the folded answer of a question: line, message and remedy."""
    text = [(number, line) for number, line in lines[1:] if line.strip() and not DIRECTIVE_LINE.match(line)]
    number, line = text[0] if text else lines[0]
    answer = ANSWER.match(line)
    if answer is None:
        remedy = "commencez par sa lettre en gras, « **B.** », suivie de l'explication."
        yield number, "la réponse ne dit pas quel choix est le bon, ou ne l'explique pas.", remedy
    elif answer[1] not in ascii_uppercase[:choices]:
        remedy = "donnez la lettre d'un des choix."
        yield number, f"la réponse est {answer[1]}, qui n'est pas un des choix.", remedy


RULES = (_exercises, _quiz)
