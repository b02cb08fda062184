"""What is told of a failed assertion: its false part, and what each side was worth."""

from __future__ import annotations

import contextlib
import io

import pytest

from ssphub_book import assertions


def explain(source: str, names: dict, line: int = 1) -> str:
    def run(code: str) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(Exception):
            exec(code, names)
        return said.getvalue()

    return assertions.explain(source, line, run)


@pytest.mark.parametrize(
    ("asserted", "told"),
    [
        ("valeur == 3", "« valeur == 3 » est faux : valeur vaut 2"),
        ("valeur == 2 and 5 < valeur + 1", "« 5 < valeur + 1 » est faux : valeur + 1 vaut 3"),
        (
            "(1 and valeur == 2) and 0 < valeur < autre",
            "« 0 < valeur < autre » est faux : valeur vaut 2 ; autre vaut 1",
        ),
        ("not valeur", "« not valeur » est faux"),
        ("str(valeur).isalpha()", "« str(valeur).isalpha() » est faux : str(valeur) vaut '2'"),
        ("str(valeur).startswith(nom)", "est faux : str(valeur) vaut '2' ; nom vaut 'é'"),
        ("set(nom) <= {'a'}", "« set(nom) <= {'a'} » est faux : set(nom) vaut {'é'}"),
        ("all(n > valeur for n in [1])", "« all((n > valeur for n in [1])) » est faux"),
        ("valeur == 3, 'message'", "« valeur == 3 » est faux : valeur vaut 2"),
    ],
)
def test_the_false_part_and_its_sides(asserted, told):
    assert explain(f"assert {asserted}", {"valeur": 2, "autre": 1, "nom": "é"}).endswith(told)


def test_the_assertion_is_the_one_of_the_line():
    source = "assert un == 1\nif un:\n    assert (\n        un\n        == 3\n    )\n"
    assert (
        explain(source, {"un": 1}, line=3)
        == explain(source, {"un": 1}, line=5)
        == ("« un == 3 » est faux : un vaut 1")
    )


def test_a_long_value_is_cut():
    told = explain("assert long == ''", {"long": "x\n" * 900})
    assert told.endswith("…") and len(told) < 250 and "\n" not in told


@pytest.mark.parametrize(
    "source",
    [
        "assert next(tours)",  # it holds when it is asked again
        "assert absente == 3",  # the name of a function's variable
        "essai()",  # the assertion is in a function that the line calls
    ],
)
def test_nothing_is_told_of_what_cannot_be_asked_again(source):
    assert explain(source, {"tours": iter([1])}) == ""
