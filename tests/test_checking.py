"""`make check`: which chapters, how findings read, in a terminal and on a forge, and the exit code."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ssphub_book import __main__, chapters, checking, contract, execution
from ssphub_book.contract import Finding, report
from tests.conftest import ROOT

ADVICE = "style"


def check(book, *arguments: str) -> int:
    return __main__.main(["--root", str(book), "check", *arguments])


@pytest.mark.parametrize(
    "name", ["un-et-un", "essais/un-et-un", "notebooks/essais/un-et-un.md", "./notebooks/essais/un-et-un.md"]
)
def test_the_names_of_a_chapter(small_book, name):
    assert chapters.named(small_book, name).name == "essais/un-et-un"


def test_a_path_from_where_one_stands(small_chapter, small_book, monkeypatch):
    monkeypatch.chdir(small_chapter.parent)
    assert chapters.named(small_book, "un-et-un.md").path == small_chapter
    assert chapters.named(small_book, str(small_chapter)).path == small_chapter


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("un-et-nu", "Vouliez-vous dire « essais/un-et-un » ?"),
        ("autre/un-et-un", "Vouliez-vous dire « essais/un-et-un » ?"),
        ("notebooks/essais/un-et-deux.md", "le fichier « notebooks/essais/un-et-deux.md » n'existe pas."),
        ("xyz", "Les chapitres sont : essais/un-et-un."),
        ("book/index.md", "n'est pas un chapitre"),
    ],
)
def test_a_name_that_is_no_chapter(small_book, capsys, name, said):
    assert check(small_book, name) == 2
    assert said in capsys.readouterr().err


def test_a_name_of_two_chapters(small_book, small_chapter):
    other = small_book / "notebooks/autres/un-et-un.md"
    other.parent.mkdir()
    other.write_text(small_chapter.read_text())
    with pytest.raises(chapters.UnknownChapter, match="« autres/un-et-un » ou « essais/un-et-un »"):
        chapters.named(small_book, "un-et-un")
    assert chapters.named(small_book, "autres/un-et-un").path == other


def test_nobody_reads_what_it_says(small_book):
    """`make check | head -1` ends without a traceback."""
    command = [sys.executable, "-m", "ssphub_book", "--root", str(small_book), "check"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", __main__.UNHEARD)


def test_an_option_that_does_not_exist(small_book):
    with pytest.raises(SystemExit) as error:
        check(small_book, "--format", "html")
    assert error.value.code == 2


def test_a_sound_chapter(small_book, capsys):
    assert check(small_book, "un-et-un", "--strict") == 0
    out = capsys.readouterr().out
    assert "1 chapitre vérifié : 0 erreur, 0 conseil.\n" in out
    assert "Sorties pas encore calculées" in out and out.rstrip().endswith("essais/un-et-un.")


def test_an_error(small_book, small_chapter, edit, capsys):
    edit(small_chapter, "niveau: débutant", "niveau: facile")
    assert check(small_book) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("notebooks/essais/un-et-un.md:12  en-tete  la valeur de la clé « niveau »")
    assert "  → donnez-lui débutant, intermédiaire ou avancé." in lines[0]
    assert lines[2] == "1 chapitre vérifié : 1 erreur, 0 conseil."
    assert lines[3] == "     1  erreur   en-tete  voir book/contribuer/regles/en-tete.md"


def test_an_advice_fails_only_if_strict(small_book, small_chapter, edit, capsys):
    edit(small_chapter, "valeur\n```", "json = json\nvaleur\n```")
    assert check(small_book) == 0
    assert "0 erreur, 1 conseil." in capsys.readouterr().out
    assert check(small_book, "--strict") == 1


def test_the_outputs_that_the_cache_holds_are_checked(small_book, small_chapter, edit, capsys):
    edit(small_chapter, "Un piège.", "```{code-cell} ipython3\nprint('a' * 20_000)\n```")
    before = checking.check(small_book, [])
    assert before.findings == [] and before.without_outputs == ["essais/un-et-un"]
    execution.execute(chapters.find(small_book))
    assert check(small_book, "un-et-un") == 1
    out = capsys.readouterr().out
    assert "sortie-lourde" in out and "pas encore calculées" not in out


def test_a_chapter_that_cannot_be_read(small_book, small_chapter, edit, capsys):
    edit(small_chapter, "[verification, remove-cell]", "[verification")
    assert check(small_book) == 1
    assert "un-et-un.md:44  lecture  " in capsys.readouterr().out
    small_chapter.write_bytes(b"\xff")
    assert check(small_book) == 1
    assert "UTF-8" in capsys.readouterr().err


FINDINGS = [
    Finding("b.md", 3, "graine", "Message b.", "remède"),
    Finding("a.md", 12, "reseau", "100 %, a:b\nsuite\r", "remède"),
    Finding("a.md", 2, ADVICE, "Message a.", "remède"),
]


def test_lines_in_columns_by_file():
    assert list(report.text([f for f in FINDINGS if "\n" not in f.message])) == [
        "a.md:2  style  Message a.  → remède",
        "",
        "b.md:3  graine  Message b.  → remède",
        "",
    ]
    one, other, _ = report.text([Finding("a.md", n, r, "M.", "r") for n, r in ((2, ADVICE), (12, "reseau"))])
    assert one.index("M.") == other.index("M.")


def test_workflow_commands_are_escaped():
    assert list(report.github(FINDINGS)) == [
        "::warning file=a.md,line=2,title=style::Message a. → remède",
        "::error file=a.md,line=12,title=reseau::100 %25, a:b%0Asuite%0D → remède",
        "::error file=b.md,line=3,title=graine::Message b. → remède",
    ]
    (line,) = report.github([Finding("a,b:%.md", 1, "reseau", "M.", "r")])
    assert line.startswith("::error file=a%2Cb%3A%25.md,line=1,")


def test_the_github_format_of_the_command(small_book, small_chapter, edit, capsys):
    edit(small_chapter, "niveau: débutant", "niveau: facile")
    assert check(small_book, "--format", "github") == 1
    assert capsys.readouterr().out.startswith(
        "::error file=notebooks/essais/un-et-un.md,line=12,title=en-tete::"
    )


def test_the_makefile_passes_what_it_is_given():
    given = ["CHAPTER=git", "FORMAT=github", "STRICT=1"]
    done = subprocess.run(["make", "-n", "check", *given], cwd=ROOT, capture_output=True, text=True)
    assert "-m ssphub_book check git --format github --strict" in done.stdout
    done = subprocess.run(["make", "-n", "check"], cwd=ROOT, capture_output=True, text=True)
    assert "--strict" not in done.stdout


def test_an_advice_stops_no_build(small_book, small_chapter, edit):
    from ssphub_book import publication

    edit(small_chapter, "valeur\n```", "json = json\nvaleur\n```")
    findings = contract.check_book(chapters.find(small_book), small_book)
    assert {f.rule for f in findings} == {ADVICE}
    publication._refuse(findings, "")
    with pytest.raises(publication.BuildError, match="1 point"):
        publication._refuse([*findings, FINDINGS[0]], "")
