"""The typography of the prose as it is typed, where there is only one right way to write it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ssphub_book.chapters import Chapter
from ssphub_book.contract import dictionary, prose
from ssphub_book.contract.finding import Finding
from ssphub_book.contract.prose import OBJECT, Passage
from ssphub_book.contract.spelling import mistyped, unknown_words

L = r"[^\W\d_]"  # a letter
END = r"(?=[\s»)\]]|$)"
AFTER_A = (
    "(?:l['’]|(?:la|partir|ce|cet|cette|chaque|titre|défaut|moins|travers|quoi|qui|propos|savoir|noter)\\b)"
)
# What is looked for, what is wrong and how to write it.
FAULTS = [
    (re.compile(r'(?<!\d)"'), "guillemet droit", "citez entre « et »."),
    (re.compile(r"(?<!\.)\.\.\.(?!\.)"), "trois points qui se suivent", "écrivez le caractère « … »."),
    (re.compile(r"\betc(?:…|\.…|\.\.)"), "« etc » suivi de points de suspension", "écrivez « etc. »."),
    (re.compile(r"(?<=\S)  +(?=\S)"), "deux espaces de suite", "n'en laissez qu'une."),
    (re.compile(r"(?<=\S) +[,.](?=\s|$)"), "espace avant une virgule ou un point", "retirez-la."),
    (re.compile(rf"(?<={L}{L}),(?={L}{L})"), "espace absente après une virgule", "ajoutez-la."),
    (re.compile(r"(?<=[a-zà-ÿ]{2})\.(?=[A-ZÀ-Ý][a-zà-ÿ])"), "espace absente après un point", "ajoutez-la."),
    (re.compile(rf"(?<={L}{L})[;!?](?={L}{L})"), "espace absente après ce signe", "ajoutez-la."),
    (
        re.compile(rf"(?<=[\w)\]»%€{OBJECT}])[;:!?]{END}"),
        "espace absente avant ce signe",
        "tapez une espace ordinaire avant « ; », « : », « ! » et « ? ».",
    ),
    (re.compile(r"«(?=\S)|(?<=\S)»"), "espace absente dans les guillemets", "écrivez « mot »."),
    (re.compile(rf"(?:^|(?<=[.!?…]\s))A(?= {AFTER_A})"), "capitale sans accent", "écrivez « À »."),
    (re.compile(r"\b[Nn](?:º|o\.?(?= \d))"), "abréviation de « numéro »", "écrivez « n° »."),
    (re.compile(r"\b1ère?s?\b|\b1ères?\b|\b\d+i?[èe]mes?\b"), "abréviation d'un rang", "écrivez 1re, 2e."),
]  # fmt: skip


def _marks(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    for passage in prose.read(chapter).passages:
        for fault, what, remedy in FAULTS:
            for match in fault.finditer(passage.without_addresses):
                message = f"{what} : « {_around(passage, match)} »."
                yield Finding(chapter.file, passage.line_at(match.start()), "typographie", message, remedy)


def _words(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    if not dictionary.available():
        return
    for word, lines in unknown_words(chapter).items():
        if form := mistyped(word):
            what = "ligature absente" if len(form) < len(word) else "capitale sans accent"
            yield Finding(
                chapter.file, lines[0], "typographie", f"{what} : « {word} ».", f"écrivez « {form} »."
            )


def _around(passage: Passage, match: re.Match[str]) -> str:
    """The fault with the words next to it, on one line."""
    start, end = max(0, match.start() - 15), match.end() + 15
    return " ".join(passage.text[start:end].replace(OBJECT, "…").replace("\n", " ").split(" ")).strip()


RULES = (_marks, _words)
