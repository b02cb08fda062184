"""`make new`: a chapter that passes every check at once, or nothing."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from ssphub_book import __main__ as command_line
from ssphub_book import (
    chapters,
    contract,
    demonstration,
    execution,
    formatting,
    learner,
    listing,
    publication,
    scaffold,
)
from tests import test_data
from tests.conftest import ROOT, sample

TEXTS = "service_public"  # documents, without a column of numbers
DATA_SETS = sorted({*sample(scaffold.demonstrable_sets(ROOT), 2), TEXTS})
NEW = "pays_monde"
GIVEN = {
    "theme": "collecte",
    "question": "Comment lire ce fichier : en entier ?",
    "title": "Lire un fichier",
    "name": "lire-un-fichier",
    "level": "débutant",
    "data": "rec99",
}
ANSWERS = scaffold.Answers(**GIVEN)
TOC = """\
format: jb-book
root: book/index  # the welcome
parts:
  - caption: Visualisation
    chapters:
      - file: notebooks/visualisation/cartes
  # one part still has no chapter
  - caption: Données massives
    chapters:
      - file: notebooks/donnees-massives/spark  # the last one
  - caption: Annexes
    chapters:
      - file: book/annexes/glossaire
      - file: book/annexes/donnees
"""


def empty_book(root: Path, names: list[str]) -> Path:
    """A book without chapters: its configuration, its glossary, some of its data sets."""
    for folder in ("book/annexes", "notebooks/data"):
        (root / folder).mkdir(parents=True)
    for name in names:
        shutil.copytree(ROOT / chapters.DATA / name, root / chapters.DATA / name)
    for file in ("notebooks/cahiers.py", "notebooks/ssphub.mplstyle", "requirements.in", "requirements.txt"):
        shutil.copy(ROOT / file, root / file)
    for file in ("LICENSE", "LICENSE-CONTENT", "book/annexes/glossaire.md", "book/annexes/donnees.md"):
        shutil.copy(ROOT / file, root / file)
    (root / "book/index.md").write_text("# Petit livre\n\nBonjour.\n", encoding="utf-8")
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    config = config.replace("ssphub_book.sphinx: .", f"ssphub_book.sphinx: {ROOT}")
    (root / "_config.yml").write_text(config, encoding="utf-8")
    toc = re.sub(r"(?s)  - caption: Visualisation.*(?=  - caption: Annexes)", "", TOC)
    (root / "_toc.yml").write_text(toc, encoding="utf-8")
    return root


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return empty_book(tmp_path / "livre", ["rec99"])


def start(root: Path, **changes: str) -> list[Path]:
    given = GIVEN | changes
    return scaffold.create(root, scaffold.ask(root, given, None, print))


def run(root: Path, *arguments: str) -> int:
    return command_line.main(["--root", str(root), "new", *arguments])


def options(**changes: str) -> list[str]:
    names = {"title": "titre", "name": "nom", "level": "niveau", "data": "donnees"}
    return [f"--{names.get(key, key)}={value}" for key, value in (GIVEN | changes).items()]


def state(root: Path) -> dict[str, bytes]:
    """Every file and folder of the book, less what Python and our commands keep of what they read."""
    found = [path for path in root.rglob("*") if not {"__pycache__", "_build"} & set(path.parts)]
    return {p.relative_to(root).as_posix(): p.read_bytes() if p.is_file() else b"" for p in found}


# --- a chapter that passes every check ------------------------------------------------------------------


@pytest.fixture(scope="module")
def started(tmp_path_factory) -> Path:
    """A book with one new chapter on each of its data sets, and one on a data set that it creates."""
    root = empty_book(tmp_path_factory.mktemp("nouveau") / "livre", DATA_SETS)
    for rank, name in enumerate([*DATA_SETS, NEW]):
        theme = list(listing.THEMES)[rank % len(listing.THEMES)]
        start(root, theme=theme, data=name, name=f"essai-{rank}", title=f"Essai {rank}")
    return root


@pytest.fixture(scope="module")
def runs(started: Path) -> dict[str, execution.Run]:
    return execution.execute(chapters.find(started))


def test_every_new_chapter_respects_the_contract(started):
    book = chapters.find(started)
    assert len(book) == len(DATA_SETS) + 1
    left = contract.check_book(book, started)
    assert {finding.rule for finding in left} == {"a-completer"}
    assert not any(finding.blocking for finding in left)


def test_every_new_chapter_runs_and_shows_what_it_should(runs):
    for run in runs.values():
        assert run.failure is None, execution.describe(run)
        assert contract.check_outputs(run.chapter, run.notebook) == []


def test_new_chapters_make_a_site_without_any_warning(started, runs):
    site = publication.build(started, report=lambda line: None)
    for chapter in chapters.find(started):
        page = (site / chapter.file).with_suffix(".html").read_text(encoding="utf-8")
        assert "À ÉCRIRE" in page and "<figcaption" in page and 'class="tableau"' in page
        assert all((site / learner.path(chapter, version)).is_file() for version in learner.VERSIONS)


@pytest.mark.parametrize(
    ("name", "group", "measure"),
    [
        ("communes_population", "nature_epci", "population_2023"),
        ("elus_municipaux", "tranche_population", "annee_naissance"),
        ("eusilc", "region", "niveau_vie"),
        ("hobbies", "age", "nb_activites"),
        ("rec99", "strate", "population"),
        ("service_public", "theme", "nb_caracteres"),
    ],
)
def test_columns_are_chosen_with_judgement(name, group, measure):
    found = demonstration.values(ROOT / chapters.DATA / name / f"{name}.parquet")
    assert (found["groupe"], found["mesure"]) == (group, measure)
    assert found["basse"] != found["haute"]


def test_identifiers_weights_and_absent_quantities_are_no_measure():
    columns = {"id_menage": range(20), "poids": range(20), "solde": range(-5, 15), "sexe": ["F", "H"] * 10}
    table = pd.DataFrame(columns)
    assert demonstration.measure_of(table.drop(columns="sexe"), None) == (None, None)
    table["nul"] = [0] * 11 + list(range(9))
    assert demonstration.measure_of(table, "sexe") == (None, None)
    table["age"] = range(30, 50)
    assert demonstration.measure_of(table, "sexe") == ("age", None)


def test_every_place_to_write_bears_the_marker(book):
    file, *_ = start(book)
    text = (book / file).read_text(encoding="utf-8")
    parts = re.split(r"^## ", text, flags=re.MULTILINE)
    assert len(parts) == 8 and all("À ÉCRIRE" in part for part in parts)
    assert "$" not in text


def test_answers_reach_the_header_whatever_they_hold(book):
    (file, *_) = start(book, question='Pourquoi « # » et "guillemets" : à quoi bon ?', level="avancé")
    chapter = chapters.read(book, book / file)
    assert chapter.front["question"] == 'Pourquoi « # » et "guillemets" : à quoi bon ?'
    assert chapter.front["niveau"] == "avancé" and chapter.title == GIVEN["title"]


# --- a new data set -------------------------------------------------------------------------------------


def test_a_new_data_set_is_as_the_tests_of_data_want_it(started, monkeypatch):
    monkeypatch.setattr(test_data, "DATA", started / chapters.DATA)
    for cached in (test_data.source, test_data.table):
        cached.cache_clear()
    test_data.test_three_files(NEW)
    test_data.test_source_is_complete_and_true(NEW)
    test_data.test_every_column_is_documented(NEW)
    test_data.test_missing_values_are_missing(NEW)
    test_data.test_no_personal_data(NEW)


def test_the_script_of_a_new_data_set_makes_its_file_again(started, tmp_path):
    script = started / chapters.DATA / NEW / "extract.py"
    done = subprocess.run(
        [sys.executable, script, "--output", tmp_path],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == test_data.UNAVAILABLE and os.environ.get("CI") != "true":
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    kept = started / chapters.DATA / NEW / f"{NEW}.parquet"
    assert (tmp_path / f"{NEW}.parquet").read_bytes() == kept.read_bytes()


# --- its lines in the files that list chapters ----------------------------------------------------------


@pytest.mark.parametrize(
    ("theme", "line_before", "new_part"),
    [
        ("visualisation", "      - file: notebooks/visualisation/cartes\n", False),
        ("collecte", "      - file: notebooks/visualisation/cartes\n", True),
        ("pratiques", "      - file: notebooks/visualisation/cartes\n", True),
        ("donnees-massives", "# the last one\n", False),
    ],
)
def test_a_line_enters_the_table_of_contents_in_its_place(theme, line_before, new_part):
    added = f"      - file: notebooks/{theme}/neuf\n"
    if new_part:
        added = f"  - caption: {listing.THEMES[theme]}\n    chapters:\n{added}"
    new = listing.add_to_contents(TOC, theme, f"notebooks/{theme}/neuf")
    assert new == TOC.replace(line_before, line_before + added)


def test_parts_follow_the_order_of_the_themes():
    toc = TOC
    for theme in ("pratiques", "apprentissage", "collecte"):
        toc = listing.add_to_contents(toc, theme, f"notebooks/{theme}/neuf")
    captions = [part["caption"] for part in yaml.safe_load(toc)["parts"]]
    assert captions == [*listing.THEMES.values(), "Annexes"]


def test_a_line_is_inserted_once():
    once = listing.add_to_contents(TOC, "collecte", "notebooks/collecte/neuf")
    assert listing.add_to_contents(once, "collecte", "notebooks/collecte/neuf") == once
    assert listing.add_to_contents(TOC, "visualisation", "notebooks/visualisation/cartes") == TOC


def test_a_table_of_contents_without_parts_is_refused(small_book):
    (small_book / "notebooks/data/petit/SOURCE.md").unlink()
    with pytest.raises(scaffold.ScaffoldError, match="n'a pas de « parts: »"):
        start(small_book, data=NEW)
    assert not (small_book / "notebooks/collecte").exists()


def test_a_chapter_joins_the_path_of_its_level(book):
    (book / "book/decouvrir").mkdir()
    shutil.copy(ROOT / listing.PATHS, book / listing.PATHS)
    before = yaml.safe_load((book / listing.PATHS).read_text(encoding="utf-8"))
    start(book, level="intermédiaire")
    text = (book / listing.PATHS).read_text(encoding="utf-8")
    after = yaml.safe_load(text)
    (place,) = (place for place in scaffold.places(book, ANSWERS, [Path(listing.PATHS)]))
    number = text.splitlines().index("    - chapitre: collecte/lire-un-fichier") + 1
    assert place == f"{listing.PATHS}:{number}  (son étape dans un parcours de lecture)"
    step = after["praticien"]["etapes"].pop()
    assert after == before
    assert step["chapitre"] == "collecte/lire-un-fichier" and "À ÉCRIRE" in step["pourquoi"]
    assert listing.add_to_path(text, "intermédiaire", "collecte/lire-un-fichier") == text


# --- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"theme": "cuisine"}, "visualisation, collecte, apprentissage, pratiques, donnees-massives"),
        ({"question": "Comment lire ce fichier"}, "doit finir par « ? »"),
        ({"question": "Quoi ?"}, "trop courte"),
        ({"title": "# Titre"}, "sans « # »"),
        ({"name": "Été à la mer"}, "« ete-a-la-mer » conviendrait"),
        ({"name": "???"}, "par exemple"),
        ({"level": "expert"}, "débutant, intermédiaire, avancé"),
        ({"data": "Mes données"}, "« mes_donnees » conviendrait"),
        ({"data": "../rec99"}, "« rec99 » conviendrait"),
        ({"data": "vide"}, "sans SOURCE.md"),
    ],
)
def test_a_wrong_answer_is_refused_with_its_remedy(book, capsys, changes, said):
    (book / "notebooks/data/vide").mkdir()
    before = state(book)
    assert run(book, *options(**changes)) == 1
    assert said in capsys.readouterr().err
    assert state(book) == before


def test_an_existing_name_is_refused_in_any_theme(book, capsys):
    assert run(book, *options()) == 0
    before = state(book)
    for theme in ("collecte", "pratiques"):
        assert run(book, *options(theme=theme)) == 1
        assert "notebooks/collecte/lire-un-fichier.md" in capsys.readouterr().err
    assert state(book) == before


def test_a_name_that_the_table_of_contents_holds_is_refused(book, edit, capsys):
    line = "      - file: book/annexes/glossaire\n"
    edit(book / "_toc.yml", line, f"{line}      - file: notebooks/collecte/lire-un-fichier\n")
    assert run(book, *options()) == 1
    assert "_toc.yml nomme déjà" in capsys.readouterr().err


def test_a_data_set_with_nothing_to_compare_is_refused(book, capsys):
    table = pd.DataFrame({"id": range(3), "code_x": ["a", "b", "c"]})
    table.to_parquet(book / "notebooks/data/rec99/rec99.parquet")
    assert run(book, *options()) == 1
    assert "n'a pas les deux colonnes" in capsys.readouterr().err


def test_outside_of_a_clone_nothing_starts(tmp_path, capsys):
    assert run(tmp_path, *options()) == 1
    assert "n'est pas un clone du livre" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", ["rec99", NEW])
def test_a_failed_write_leaves_nothing_behind(book, capsys, monkeypatch, data):
    before = state(book)
    write = Path.write_bytes

    def failing(path: Path, content: bytes) -> int:
        if path.name == "_toc.yml":
            raise PermissionError(13, "Permission denied", str(path))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", failing)
    assert run(book, *options(data=data)) == 1
    assert "impossible d'écrire" in capsys.readouterr().err
    assert state(book) == before


def test_a_file_where_a_folder_goes_leaves_nothing_behind(book, capsys):
    (book / "notebooks/collecte").write_text("", encoding="utf-8")
    before = state(book)
    assert run(book, *options(data=NEW)) == 1
    assert "impossible d'écrire" in capsys.readouterr().err
    assert state(book) == before


# --- the conversation -----------------------------------------------------------------------------------


def test_a_missing_answer_without_terminal_is_a_plain_error(book, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert run(book, *options()[:-1]) == 1
    assert "il manque l'option --donnees" in capsys.readouterr().err
    assert not (book / "notebooks/collecte").exists()


def test_questions_are_asked_one_at_a_time_with_defaults(book):
    said: list[str] = []
    asked: list[str] = []
    replies = iter(["cuisine", "collecte", "Comment lire une API ?", "", "", "", "rec99"])

    def read(prompt: str) -> str:
        asked.append(prompt)
        return next(replies)

    answers = scaffold.ask(book, {}, read, said.append)
    assert answers == scaffold.Answers(
        "collecte",
        "Comment lire une API ?",
        "Comment lire une API",
        "comment-lire-une-api",
        "débutant",
        "rec99",
    )
    assert len(said) == 1 and "n'est pas une des valeurs possibles" in said[0]
    assert asked[0] == asked[1] and "donnees-massives" in asked[0]
    assert "[comment-lire-une-api]" in asked[4] and "rec99, ou un nouveau nom" in asked[-1]


def test_an_option_is_not_asked(book):
    asked = []
    answers = scaffold.ask(book, GIVEN | {"level": None}, lambda prompt: asked.append(prompt) or "", print)
    assert len(asked) == 1 and asked[0].startswith("Niveau") and answers.level == "débutant"


def test_the_end_of_the_input_stops_the_conversation(book):
    def read(prompt: str) -> str:
        raise EOFError

    with pytest.raises(scaffold.ScaffoldError, match="rien n'est écrit"):
        scaffold.ask(book, {}, read, print)


def test_what_follows_is_said(book, capsys):
    assert run(book, *options(data=NEW)) == 0
    said = capsys.readouterr().out
    toc = (book / "_toc.yml").read_text(encoding="utf-8").splitlines()
    line = toc.index("      - file: notebooks/collecte/lire-un-fichier") + 1
    assert [one.strip() for one in said.splitlines()[1:6]] == [
        "notebooks/collecte/lire-un-fichier.md  (le chapitre)",
        f"notebooks/data/{NEW}/SOURCE.md  (la fiche du jeu de données, à remplir)",
        f"notebooks/data/{NEW}/extract.py  (le programme qui refait le jeu)",
        f"notebooks/data/{NEW}/{NEW}.parquet  (le jeu de données)",
        f"_toc.yml:{line}  (sa ligne dans la table des matières)",
    ]
    commands = ["make preview", "make check CHAPTER=notebooks/collecte/lire-un-fichier.md", "make test"]
    assert [line.strip() for line in said.splitlines()[-3:]] == commands


def test_new_chapters_are_in_form(started):
    report = formatting.format_files(started, [c.path for c in chapters.find(started)], write=False)
    assert (report.changed, report.refused) == ([], [])


def test_a_data_set_without_two_columns_to_compare_is_refused_and_not_proposed(tmp_path):
    root = empty_book(tmp_path / "livre", ["contours", "rec99"])
    assert scaffold.data_sets(root) == ["contours", "rec99"]
    assert scaffold.demonstrable_sets(root) == ["rec99"]
    with pytest.raises(
        scaffold.ScaffoldError, match=r"contours\.parquet n'a pas les deux colonnes"
    ) as refused:
        start(root, data="contours")
    assert "Commencez avec un de ceux-ci : rec99, un nouveau nom ;" in str(refused.value)
