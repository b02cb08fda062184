"""The words that the book admits: the French dictionary, by hunspell, and the book's own list."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import combinations, product
from pathlib import Path

FOLDER = Path(__file__).with_name("dictionnaire")
OWN_LIST = FOLDER / "mots.txt"
ACCENTS = {"a": "àâ", "c": "ç", "e": "éèêë", "i": "îï", "o": "ôö", "u": "ùûü"}
LETTERS = "abcdefghijklmnopqrstuvwxyzàâçéèêëîïôùûü"
MOST_ACCENTS = 3  # put on one word
MOST_SUGGESTIONS = 3


@lru_cache(maxsize=1)
def _hunspell():
    """The French dictionary, or None where chunspell has no wheel for this machine."""
    try:
        from hunspell import Hunspell
    except ImportError:
        return None
    return Hunspell("fr", hunspell_data_dir=str(FOLDER))


@lru_cache(maxsize=1)
def own_words() -> frozenset[str]:
    """The words of `mots.txt`."""
    lines = OWN_LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def available() -> bool:
    """Whether words can be checked on this machine."""
    return _hunspell() is not None


@cache
def admits(word: str) -> bool:
    """Whether the dictionary or the list has the word: a lower-case entry admits a capital and an -s."""
    initial_lowered = word[:1].lower() + word[1:]
    forms = {word, initial_lowered, initial_lowered.removesuffix("s")}
    return bool(forms & own_words()) or _hunspell().spell(word)


def accented(word: str) -> list[str]:
    """Words of the dictionary that differ from this one by accents or a ligature only, closest first."""
    return [form for form in _accented_forms(word) if admits(form)]


def suggestions(word: str) -> list[str]:
    """At most three words close to an unknown one: accents first, then one letter that differs."""
    found = dict.fromkeys(accented(word))
    near = found or dict.fromkeys(form for form in _one_edit(word) if len(form) > 1 and admits(form))
    return list(near)[:MOST_SUGGESTIONS]


def _accented_forms(word: str) -> Iterator[str]:
    plain = word
    for joined, ligature in (("oe", "œ"), ("Oe", "Œ"), ("ae", "æ")):
        if joined in word:
            yield word.replace(joined, ligature)
    places = [i for i, letter in enumerate(plain) if letter.lower() in ACCENTS]
    for size in range(1, MOST_ACCENTS + 1):
        for chosen in combinations(places, size):
            for accents in product(*(ACCENTS[plain[i].lower()] for i in chosen)):
                letters = list(plain)
                for i, accent in zip(chosen, accents, strict=True):
                    letters[i] = accent.upper() if plain[i].isupper() else accent
                yield "".join(letters)


def _one_edit(word: str) -> Iterator[str]:
    """Forms at one inversion, letter more, letter less or letter changed."""
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    yield from (a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1)
    yield from (a + b[1:] for a, b in cuts if b)
    yield from (a + letter + b for a, b in cuts for letter in LETTERS)
    yield from (a + letter + b[1:] for a, b in cuts if b for letter in LETTERS)
