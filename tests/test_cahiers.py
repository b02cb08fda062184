"""`notebooks/cahiers.py`: what a learner is told, and that a blind or talkative check is found out."""

from __future__ import annotations

import importlib.util
import shutil
from types import SimpleNamespace

import pytest

from ssphub_book import chapters
from tests.conftest import ROOT

SOURCE = ROOT / chapters.NOTEBOOKS / "cahiers.py"


def load(path=SOURCE):
    spec = importlib.util.spec_from_file_location("cahiers", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cahiers = load()


def exercice_1(part):
    yield from cahiers.nombre(
        part, 47.3, "vérifiez le filtre des adjoints.", {"c'est la part des hommes.": 52.7}
    )


def said(control, *answers) -> str:
    with pytest.raises(cahiers.PasEncore) as caught:
        cahiers.verifier(control, *answers)
    return str(caught.value)


def test_a_right_answer_tells_what_is_right(capsys):
    cahiers.verifier(exercice_1, 47.3)
    assert capsys.readouterr().out == (
        "Exercice 1 : c'est juste.\n  Acquis : un seul nombre ; la bonne valeur.\n"
    )


WRONG = [
    (..., "remplacez les trois points"),
    ("47,3", "un texte de 4 caractères"),
    ("?", "un texte de 1 caractère."),
    ([47.3], "une liste de longueur 1"),
    (None, "un objet de type NoneType"),
    (float("nan"), "n'est pas fini"),
    (0.473, "au facteur 100 près"),
    (4730, "au facteur 100 près"),
    (-47.3, "au signe près"),
    (52.7, "c'est la part des hommes."),
    (12.0, "vérifiez le filtre"),
]


@pytest.mark.parametrize(("answer", "advice"), WRONG)
def test_each_wrong_answer_has_its_advice(answer, advice):
    message = said(exercice_1, answer)
    assert message.startswith("Exercice 1 : pas encore.")
    assert advice in " ".join(message.split())
    assert "47" not in message.replace("47,3", "")


def test_what_is_right_already_is_said_too():
    assert "  Acquis : un seul nombre.\n  À revoir : vérifiez" in said(exercice_1, 12.0)


def test_long_advice_is_cut_into_lines():
    def exercice_4(part):
        yield "", False, "relisez l'énoncé : " + "un mot, " * 30

    lines = said(exercice_4, 1).splitlines()
    assert len(lines) > 3 and max(map(len, lines)) <= cahiers.LARGEUR


def test_an_answer_that_breaks_the_check_is_described():
    def exercice_2(table):
        yield "des colonnes", table.columns == ["a"], "une colonne « a » est attendue."

    message = said(exercice_2, SimpleNamespace(shape=(3, 2)))
    assert "une table de 3 lignes et 2 colonnes" in message
    assert "AttributeError" in message


def test_jupyter_shows_the_advice_and_no_trace():
    error = cahiers.PasEncore("Exercice 1 : pas encore.\n  À revoir : le filtre.")
    assert error._render_traceback_() == ["Exercice 1 : pas encore.", "  À revoir : le filtre."]


FAULTS = [(0.473, "facteur 100"), (52.7, "part des hommes"), (12.0, "filtre")]


def test_a_sound_check_passes_its_trial(capsys):
    cahiers.eprouver(exercice_1, 47.3, FAULTS)
    assert "3 fautes reconnues, 3 conseils" in capsys.readouterr().out


TRIALS = [
    (50.0, FAULTS, "refuse la solution"),
    (47.3, FAULTS[:2], "au moins 3"),
    (47.3, [*FAULTS, (47.3001, "…")], "accepte une réponse fausse"),
    (47.3, [*FAULTS, (12.0, "part des hommes")], "où l'on attend"),
]


@pytest.mark.parametrize(("solution", "faults", "message"), TRIALS)
def test_a_trial_finds_what_a_check_misses(solution, faults, message):
    with pytest.raises(AssertionError, match=message):
        cahiers.eprouver(exercice_1, solution, faults)


ADVICE = [("faux.", "trop court"), ("la bonne réponse était 47,30 pour cent.", "montre la réponse")]


@pytest.mark.parametrize(("advice", "message"), ADVICE)
def test_a_trial_refuses_poor_advice(advice, message):
    def exercice_1(part):
        yield "", part == 47.3, advice

    with pytest.raises(AssertionError, match=message):
        cahiers.eprouver(exercice_1, 47.3, [(n, advice) for n in (1, 2, 3)])


@pytest.mark.parametrize("name", sorted(p.name for p in (ROOT / chapters.DATA).glob("*/")))
def test_every_data_set_is_found(name):
    assert cahiers.donnees(name).is_file()


def test_a_notebook_parted_from_its_data_is_told_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Il y a : .*rec99"):
        cahiers.donnees("inconnu")
    alone = load(shutil.copy(SOURCE, tmp_path))
    with pytest.raises(FileNotFoundError, match=r"vide ou absent.*archive des notebooks"):
        alone.donnees("rec99")
