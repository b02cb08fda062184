"""`make format`: one form, the same meaning."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from ssphub_book import __main__ as command_line
from ssphub_book import chapters, formatting, plain
from tests.conftest import ROOT

FILES = formatting.files(ROOT)
HEAD = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec: {display_name: Python 3, language: python, name: python3}   # un commentaire
---
"""
OPTIONS = "---\ntags:  [exercice]\n---\n"


def cell(source: str, options: str = "") -> str:
    return f"```{{code-cell}} ipython3\n{options}{source}\n```\n"


def formatted(root: Path, text: str, name: str = "essai") -> tuple[str, formatting.Report]:
    """A chapter of this text once formatted, and the report."""
    path = root / f"notebooks/essais/{name}.md"
    path.write_text(text, encoding="utf-8")
    report = formatting.format_files(root, [path], write=True)
    return path.read_text(encoding="utf-8"), report


# --- the book itself ------------------------------------------------------------------------------------


def test_every_chapter_and_page_is_in_form():
    report = formatting.format_files(ROOT, FILES, write=False)
    assert (report.changed, report.refused) == ([], []), "make format"


def roughened(text: str) -> str:
    """The text with all that may be put in form out of it, outside code; the meaning stays."""
    page = chapters.Chapter(ROOT, ROOT / "book/index.md", text)
    headings = {line: level for line, level, _ in page.headings}
    lines = []
    for number, line in enumerate(text.split("\n"), start=1):
        if number in headings:
            mark = "#" * headings[number]
            line = f"{mark}   {line.removeprefix(mark).strip()} "
            lines += [] if lines[-1:] and plain.LABEL.match(lines[-1]) else ["", ""]
        lines.append(line)
    return "\n".join(lines) + "\n\n\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_form_is_found_again_and_keeps_the_meaning(path):
    text = path.read_text(encoding="utf-8")
    rough = roughened(text)
    assert rough != text
    tidied = formatting.tidy(rough)
    assert tidied == formatting.tidy(text) == text
    assert formatting.tidy(tidied) == tidied
    extensions = formatting._extensions(ROOT)
    assert formatting.doctree(tidied, extensions) == formatting.doctree(rough, extensions)


def test_code_keeps_its_syntax_tree_and_its_form(small_book):
    sources = [c.source for p in FILES for c in formatting._python_cells(chapters.read(ROOT, p))]
    again = formatting.ruff(sources)
    assert again == sources and len(sources) > 200
    loose = [ast.unparse(ast.parse(source)) for source in sources[:40]]
    once = formatting.ruff(loose)
    assert once != loose and formatting.ruff(once) == once
    assert [ast.dump(ast.parse(s)) for s in once] == [ast.dump(ast.parse(s)) for s in loose]


# --- Markdown -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# A  \ntexte \n\n\n\nsuite", "# A\n\ntexte\n\nsuite\n"),
        ("texte\n## B\n### C\nsuite\n", "texte\n\n## B\n\n### C\n\nsuite\n"),
        ("#   A\n", "# A\n"),
        ("Une liste :\n* a\n* b\n  + c\n\nFin\n", "Une liste :\n\n- a\n- b\n  - c\n\nFin\n"),
        ("Étapes :\n1. a\n2. b\n", "Étapes :\n\n1. a\n2. b\n"),
        ("texte\n```python\nx\n```\nsuite\n", "texte\n\n```python\nx\n```\n\nsuite\n"),
        ("~~~python\nx\n~~~~\n", "```python\nx\n```\n"),
        ("-\ta\n", "-\ta\n"),
        ("- a\n\n\tsuite de a\n", "- a\n\n    suite de a\n"),
        ("```{dropdown} A\n:open:  \ntexte  \n* a\n```\n", "```{dropdown} A\n:open:\ntexte\n\n- a\n```\n"),
        (":::{note}\ntexte\n# non\n:::\nfin\n", ":::{note}\ntexte\n\n# non\n:::\n\nfin\n"),
    ],
)  # fmt: skip
def test_markdown_is_put_in_form(before, after):
    assert formatting.tidy(before) == after
    assert formatting.tidy(after) == after


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx = 1  \n\n\n\n# a\ny\n```\n",
        "```{glossary}\nmot\n  Sens  \n\n\n```\n",
        "$$\na  \n\n\nb\n$$\n",
        "premier vers  \nsecond vers\n",
        "**gras** et *italique* : 2 * 3 + 4\n",
        "* * *\n",
        "(ancre)=\n## Titre\n",
        "% un commentaire\n# Titre\n",
        "~~~\n```\n~~~\n",
        "| a | b |\n| --- | --- |\n| 1 | 2 |\n",
        "terme\n: définition\n",
        "1. a\n2. b\n3. c\n",
        "Voir {term}`mot` et {glue:text}`cle:.1f`, $a * b$.\n",
        "---\ndescription:   x   # un commentaire\n---\n\n# A\n",
    ],
)
def test_what_is_in_form_or_is_code_stays(text):
    assert formatting.tidy(text) == text


def test_a_file_whose_meaning_would_change_is_left_alone_and_reported(small_book):
    text = f"{HEAD}\n# Titre\n\nDu texte.   \n\n- a\n* b\n"
    after, report = formatted(small_book, text)
    assert after == text and report.changed == []
    (refused,) = report.refused
    assert refused.startswith("notebooks/essais/essai.md:14  format  ") and "laissé tel quel" in refused


def test_the_tree_tells_texts_apart():
    assert formatting.doctree("- a\n- b\n") == formatting.doctree("\n\n*  a\n*  b\n")
    assert formatting.doctree("a\nb\n") != formatting.doctree("a\n\nb\n")
    fold = "```{{dropdown}} Indice\n{}\n```\n"
    assert formatting.doctree(fold.format("*a*")) != formatting.doctree(fold.format("a"))


# --- code cells -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x=f( 1,2 )", "x = f(1, 2)"),
        ("x=1\nplt.plot(x) ;", "x = 1\nplt.plot(x);"),
        ("reponse=...", "reponse = ..."),
        ("import os\ndef f():\n  return 1", "import os\n\n\ndef f():\n    return 1"),
    ],
)
def test_code_is_put_in_form(small_book, before, after):
    options = ':tags: [solution]\n:tableau: "A  b"\n'
    text, report = formatted(small_book, f"{HEAD}\n# Titre\n\n{cell(before, options)}")
    assert text == f"{HEAD}\n# Titre\n\n{cell(after, options)}"
    assert report.changed == ["notebooks/essais/essai.md"] and report.refused == []
    assert formatted(small_book, text)[1].changed == []


@pytest.mark.parametrize(
    "source",
    [
        "%%bash\nls   -l",
        "%matplotlib inline\nx=1",
        "!ls  -l",
        "x = [1,2]  # fmt: skip",
        "# fmt: off\nx=1\n# fmt: on",
        "x=(",
        "plt.plot(x);",
    ],
)
def test_code_that_is_no_plain_python_or_asks_for_it_stays(small_book, source):
    text = f"{HEAD}\n# Titre\n\n{cell(source, OPTIONS)}"
    after, report = formatted(small_book, text)
    assert after == text and (report.changed, report.refused) == ([], [])


def test_a_cell_whose_meaning_would_change_is_left_alone_and_reported(small_book):
    docstring = 'def f():\n    """Une phrase.   \n    """'
    text, report = formatted(small_book, f"{HEAD}\n# Titre\n\n{cell(docstring)}\n{cell('x=1')}")
    assert docstring in text and "x = 1" in text
    (refused,) = report.refused
    assert refused.startswith("notebooks/essais/essai.md:12  format  ") and "laissée telle quelle" in refused


LONG = f"noms = {[f'commune {n}' for n in range(40)]}"  # one line, forty-two in form


def test_a_cell_that_its_form_makes_too_long_is_named_with_its_line_and_what_to_do(small_book, capsys):
    hidden = "---\ntags: [verification, remove-cell]\n---\n"
    text = f"{HEAD}# Titre\n\n{cell('x=[1,2,3,]')}\n{cell(LONG)}\n{cell(LONG, hidden)}"
    path = small_book / "notebooks/essais/essai.md"
    path.write_text(text, encoding="utf-8")
    run = ["--root", str(small_book), "format", str(path)]
    assert command_line.main([*run, "--check"]) == 1
    before = capsys.readouterr().out
    assert command_line.main(run) == 0
    after = capsys.readouterr().out
    for said, lines in ((before, text.split("\n")), (after, path.read_text(encoding="utf-8").split("\n"))):
        line = next(n for n, one in enumerate(lines, start=1) if one.startswith("noms = ["))
        named = [one for one in said.splitlines() if "cellule-longue" in one]
        assert named == [
            f"notebooks/essais/essai.md:{line}  cellule-longue  une fois mise en forme, 42 lignes de code "
            "dans une cellule.  → coupez-la : 30 lignes au plus, une idée par cellule."
        ]
        assert said.endswith(", 1 cellule(s) à couper.\n")
    assert command_line.main(run) == 0
    assert "à couper" not in capsys.readouterr().out  # `make check` says it from now on


def test_one_process_formats_every_cell(small_book, monkeypatch):
    calls = []
    run = formatting.subprocess.run
    monkeypatch.setattr(formatting.subprocess, "run", lambda *a, **k: calls.append(a) or run(*a, **k))
    text = f"{HEAD}\n# Titre\n\n{cell('x=1')}\n{cell('y=1')}"
    paths = [small_book / f"notebooks/essais/{name}.md" for name in ("a", "b")]
    for path in paths:
        path.write_text(text, encoding="utf-8")
    assert len(formatting.format_files(small_book, paths, write=False).changed) == 2
    assert len(calls) == 1 and paths[0].read_text(encoding="utf-8") == text


# --- the command ----------------------------------------------------------------------------------------


def test_the_command_lists_then_writes(small_book, small_chapter, edit, capsys):
    run = ["--root", str(small_book), "format"]
    assert command_line.main(run) == 0
    assert command_line.main([*run, "--check"]) == 0
    capsys.readouterr()
    edit(small_chapter, "valeur = int(", "valeur=int(")
    assert command_line.main([*run, "--check"]) == 1
    assert capsys.readouterr().out.splitlines()[0] == "notebooks/essais/un-et-un.md"
    assert "valeur=int(" in small_chapter.read_text(encoding="utf-8")
    assert command_line.main([*run, str(small_book / "book/index.md")]) == 0
    assert "valeur=int(" in small_chapter.read_text(encoding="utf-8")
    assert command_line.main(run) == 0
    assert "valeur = int(" in small_chapter.read_text(encoding="utf-8")


def test_an_unreadable_file_stops_before_anything_is_written(small_book, small_chapter, edit, capsys):
    edit(small_chapter, "valeur = int(", "valeur=int(")
    before = small_chapter.read_text(encoding="utf-8")
    shutil.copy(small_chapter, small_chapter.with_name("autre.md"))
    edit(small_chapter.with_name("autre.md"), ":tags: [exercice]", ":tags: [")
    assert command_line.main(["--root", str(small_book), "format"]) == 1
    assert "autre.md:67  les options de cette cellule" in capsys.readouterr().err
    assert small_chapter.read_text(encoding="utf-8") == before
