"""The mutants: what is perturbed, and that the verdicts tell a biting check from a blind one."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ssphub_book import __main__ as command_line
from ssphub_book import chapters, execution, kept, mutants, state


def read(root):
    (chapter,) = chapters.find(root)
    return chapter


PERTURBED = [
    ("a = 3", "a = 4"),
    ("a = 0.5", "a = 0.56"),  # 0.5 * 1.1 + 0.01
    ("a = b + c", "a = b - c"),
    ("a = b < c", "a = b >= c"),
    ("a = f(x, ascending=True)", "a = f(x, ascending=False)"),
    ("a = t['pop']", "a = t['nom']"),
    ("a = t", "a = t\na = a.iloc[1:] if hasattr(a, 'iloc') and len(a) > 1 else a"),
    ("%%bash\ngit add .\ngit commit", "%%bash\ngit commit"),
]


@pytest.mark.parametrize(("source", "mutant"), PERTURBED)
def test_what_is_perturbed(source, mutant):
    found = [re.sub(r"(0\.56)0+\d", r"\1", s) for s, _ in mutants._perturb(source, ["nom", "pop"])]
    assert mutant in found


def test_hidden_checks_are_not_perturbed(small_book):
    chapter = read(small_book)
    tags = {tag for mutant in mutants.mutants_of(chapter) for tag in mutant.cell.tags}
    assert not tags & mutants.NOT_PERTURBED


def test_the_mutant_takes_the_place_of_its_cell(small_book):
    mutant = mutants.mutants_of(read(small_book))[0]
    perturbed = mutant.perturbed
    assert perturbed.cells[mutant.cell.number - 1].source == mutant.source
    others = [c.source for c in perturbed.cells if c.number != mutant.cell.number]
    assert others == [c.source for c in mutant.chapter.cells if c.number != mutant.cell.number]


def verdict_of(root, old: str, new: str) -> str:
    chapter = read(root)
    cell = chapter.cells[0]
    (sound,) = execution.execute([chapter]).values()
    baseline = mutants.visible_outputs(chapter, sound.notebook)
    mutant = mutants.Mutant(chapter, cell, cell.source.replace(old, new), "essai")
    (run,) = execution.run_all([mutant.perturbed], {}, lambda line: None)
    return mutants.verdict(run, baseline, run.chapter)


def test_a_check_that_bites(small_book):
    assert verdict_of(small_book, "valeur = int", "valeur = 1 + int") == "caught by a check"


def test_a_check_that_is_blind(small_book, small_chapter, edit):
    edit(small_chapter, "assert valeur == 2", "assert valeur > 0")
    for number in (1, 2, 3):
        edit(small_chapter, f"eprouver(exercice_{number}, 4,", f"eprouver(exercice_{number}, 2 * valeur,")
        edit(small_chapter, '(-4, "au signe près")', '(-4, "")')
    assert verdict_of(small_book, "valeur = int", "valeur = 1 + int") == "survived"


def test_an_error_and_an_output_that_stays(small_book):
    assert verdict_of(small_book, "read_text()", "read_txt()") == "caught by an error"
    assert verdict_of(small_book, "valeur = int", "valeur = 0 + int") == "unchanged"


@pytest.fixture
def instant(monkeypatch):
    """No mutant runs: every one is caught at once, but for the last `unfinished` of a sample."""

    run = execution.run_all

    def make(unfinished: int = 0) -> list[list[str]]:
        drawn: list[list[str]] = []

        def run_all(perturbed, until, report, seconds=None):
            if seconds is None:  # the chapter itself
                yield from run(perturbed, until, report)
                return
            drawn.append([chapter.text for chapter in perturbed])
            for chapter in perturbed[: len(perturbed) - unfinished]:
                yield execution.not_run(chapter, "essai")

        monkeypatch.setattr(mutants.execution, "run_all", run_all)
        return drawn

    return make


def test_the_sample_is_the_same_for_the_same_seed(small_book, instant):
    drawn = instant()
    for words in ([], ["--seed", "2024"], ["--seed", "7"]):
        assert command_line.main(["--root", str(small_book), "mutants", "--sample", "3", *words]) == 0
    usual, again, other = drawn
    assert usual == again != other


@pytest.mark.parametrize("unfinished", [0, 1, 3])
def test_a_sample_that_time_cut_short_is_told_and_not_recorded(small_book, instant, capsys, unfinished):
    instant(unfinished)
    mutants.main([read(small_book)], sample=3, seconds=120)
    assert (small_book / state.RECORD).is_file() is not bool(unfinished)
    said = capsys.readouterr().out.splitlines()[-1]
    told = f"n'a suffi qu'à {3 - unfinished} des 3 altérations tirées. Rien n'est inscrit dans"
    assert (told in said) is bool(unfinished)


def written(root: Path) -> set[str]:
    """The files of a book, less what our commands keep of what they read."""
    names = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    return {name for name in names if not name.startswith(f"{kept.FOLDER}/")}


def test_a_mutant_leaves_the_authors_folder_and_repository_alone(small_book, small_chapter, edit, capsys):
    """Mutants that lose their `cd` run in a copy: the folder of the book is not touched."""
    subprocess.run(["git", "init", "--quiet", str(small_book)], check=True)
    stray = '%%bash\ncd "$(mktemp -d)"\ntouch egare\ngit init -q .'
    edit(small_chapter, "valeur\n```", "valeur\n```\n\n```{code-cell} ipython3\n" + stray + "\n```")
    before = written(small_book)
    mutants.main([read(small_book)], sample=50, seconds=120)
    assert written(small_book) - before == {state.RECORD}
    said = capsys.readouterr().out
    assert "caught" in said
    assert "  1/" in said  # each verdict is told as it falls
