"""Execution: what makes a chapter stale, and what a cell that goes wrong tells its author."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from nbclient import NotebookClient

from ssphub_book import chapters, execution

CODE = "valeur\n```"


def run(root: Path) -> execution.Run:
    (run,) = execution.execute(chapters.find(root)).values()
    return run


def test_a_chapter_is_executed_once(small_book):
    first, second = run(small_book), run(small_book)
    assert (first.cached, second.cached) == (False, True)
    assert [o.status for o in second.outcomes] == ["ok"] * 14


def test_prose_makes_nothing_stale(small_book, small_chapter, edit):
    run(small_book)
    edit(small_chapter, "Un piège.", "Un autre piège.")
    assert run(small_book).cached


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("notebooks/essais/un-et-un.md", CODE, "valeur + 0\n```"),
        ("notebooks/essais/un-et-un.md", "[exercice]", "[exercice, autre]"),
        ("notebooks/data/petit/valeur.csv", "2", "2 "),
        ("requirements.txt", "", "pandas\n"),
    ],
)
def test_code_data_and_requirements_make_a_chapter_stale(small_book, edit, file, old, new):
    run(small_book)
    edit(small_book / file, old, new)
    again = run(small_book)
    assert again.failure is None
    assert not again.cached


def test_an_imported_module_makes_a_chapter_stale(small_book, small_chapter, edit):
    helper = small_chapter.parent / "aide.py"
    helper.write_text("from profond import UN\n", encoding="utf-8")
    deep = small_chapter.parent / "profond.py"
    deep.write_text("UN = 1\n", encoding="utf-8")
    edit(small_chapter, "from pathlib import Path\n", "from pathlib import Path\n\nfrom aide import UN\n")
    assert run(small_book).failure is None
    deep.write_text("UN = 1.0\n", encoding="utf-8")
    assert not run(small_book).cached


def test_engines_count_only_for_a_chapter_that_needs_one(small_book, small_chapter, edit, monkeypatch):
    def fingerprints() -> set[str]:
        found = set()
        for images in (None, "others"):
            monkeypatch.setattr(chapters, "engines", lambda root, images=images: {"images": images})
            found.add(chapters.read(small_book, small_chapter).fingerprint)
        return found

    assert len(fingerprints()) == 1
    edit(small_chapter, "tags: [verification, remove-cell]", "tags: [moteur]")
    assert len(fingerprints()) == 2


def test_a_failing_cell_names_file_line_and_cause(small_book, small_chapter, edit):
    edit(small_chapter, CODE, "valeur\nvaleur / 0\n```")
    line = small_chapter.read_text().splitlines().index("valeur / 0") + 1
    failed = run(small_book)
    assert failed.notebook is None
    assert "ZeroDivisionError" in failed.failure.message
    assert f"ligne {line} de notebooks/essais/un-et-un.md" in failed.failure.message
    assert failed.outcomes[1].status == "not run"
    assert execution.describe(failed).startswith("notebooks/essais/un-et-un.md:")


def test_a_failed_assertion_says_what_it_compared(small_book, small_chapter, edit):
    edit(small_chapter, "assert valeur == 2", "assert valeur == 3, 'trop peu'")
    line = small_chapter.read_text().splitlines().index("assert valeur == 3, 'trop peu'") + 1
    assert run(small_book).failure.message == (
        "AssertionError: trop peu [« valeur == 3 » est faux : valeur vaut 2] "
        f"(ligne {line} de notebooks/essais/un-et-un.md)"
    )


def test_a_cell_over_its_time_limit(small_book, small_chapter, edit):
    edit(small_book / "_config.yml", "timeout: 20", "timeout: 2")
    edit(small_chapter, CODE, "import time\n\ntime.sleep(60)\n```")
    assert "n'a pas fini après 2 s" in run(small_book).failure.message


def test_a_killed_kernel(small_book, small_chapter, edit):
    edit(small_chapter, CODE, "import os\n\nos.kill(os.getpid(), 9)\n```")
    assert "noyau Python s'est arrêté" in run(small_book).failure.message


def test_a_failure_leaves_the_last_good_run_in_the_cache(small_book, small_chapter, edit):
    run(small_book)
    edit(small_chapter, CODE, "1 / 0\n```")
    assert run(small_book).failure
    edit(small_chapter, "1 / 0\n```", CODE)
    assert run(small_book).cached


def test_a_missing_engine_is_told_apart(small_book, small_chapter, edit):
    edit(small_chapter, CODE, 'print("Non exécuté ici : pas de moteur.")\n```')
    outcome = run(small_book).outcomes[0]
    assert (outcome.status, outcome.message) == ("no engine", "Non exécuté ici : pas de moteur.")


def test_a_run_cut_short_executes_the_cells_before_and_is_not_kept(small_book):
    book = chapters.find(small_book)
    (cut,) = execution.execute(book, until={"essais/un-et-un": 2}).values()
    assert [o.status for o in cut.outcomes][:3] == ["ok", "ok", "not run"]
    assert not run(small_book).cached


@pytest.mark.parametrize(("failures", "status"), [(1, "ok"), (2, "failed")])
def test_a_kernel_that_dies_at_its_start(small_book, monkeypatch, failures, status):
    """Once: it is started again. Twice: the author reads why nothing ran."""
    start, left = NotebookClient.setup_kernel, [failures]

    def unlucky(client, **arguments):
        if left[0]:
            left[0] -= 1
            raise RuntimeError("Kernel died before replying to kernel_info")
        return start(client, **arguments)

    monkeypatch.setattr(NotebookClient, "setup_kernel", unlucky)
    (chapter,) = chapters.find(small_book)
    run = execution.run_chapter(chapter)
    assert run.outcomes[0].status == status
    assert len(run.outcomes) == len(chapter.cells)
    if status == "failed":
        assert "n'a pas démarré" in execution.describe(run)


def test_chapters_that_outlast_the_time_given_are_stopped(small_book, small_chapter, edit):
    slow = "import time\nfrom pathlib import Path\n\ntime.sleep(90)\n"
    edit(small_chapter, "from pathlib import Path\n", slow)
    started = time.monotonic()
    assert list(execution.run_all(chapters.find(small_book), {}, lambda line: None, seconds=3)) == []
    assert time.monotonic() - started < 60


def _tagged(chapter: Path, name: str, tags: str = "") -> chapters.Chapter:
    """The chapter under another name, its first cell tagged."""
    text = chapter.read_text("utf-8")
    cell = "{code-cell} ipython3\n"
    assert cell in text
    tagged = text.replace(cell, f"{cell}:tags: [{tags}]\n\n", 1) if tags else text
    return chapters.Chapter(chapter.parents[2], chapter.with_stem(name), tagged)


def test_engines_that_are_measured_start_one_after_the_other(small_chapter):
    """Two chapters that measure an engine do not run side by side while another chapter waits."""
    plain = _tagged(small_chapter, "simple")
    first, second = (_tagged(small_chapter, name, "moteur, mesure") for name in ("un", "deux"))
    assert execution._next([first, second, plain], [], 2) is first
    assert execution._next([second, plain], [first], 2) is plain
    assert execution._next([second], [first], 2) is second
    assert execution._next([second, plain], [plain], 2) is second


def test_a_chapter_that_measures_has_a_core(small_chapter):
    """The one that runs beyond the number of cores measures nothing; its engine may run beside another."""
    plain, engine = _tagged(small_chapter, "simple"), _tagged(small_chapter, "moteur", "moteur")
    first, second, third = (_tagged(small_chapter, name, "mesure") for name in ("un", "deux", "trois"))
    assert execution._next([second, plain], [first], 2) is second
    assert execution._next([third, plain], [first, second], 2) is plain
    assert execution._next([third], [first, second], 2) is None
    assert execution._next([third, plain], [first, plain], 2) is third
    measured = _tagged(small_chapter, "mesure", "moteur, mesure")
    assert execution._next([engine, plain], [measured], 2) is engine


def test_a_worker_that_is_killed_fails_every_chapter_that_waits(small_book, small_chapter, edit):
    """Whichever chapter killed it, each one says why it did not run."""
    edit(small_chapter, "valeur\n```", "import os, signal\n\nos.kill(os.getppid(), signal.SIGKILL)\n```")
    book = [replace(chapters.find(small_book)[0], path=small_chapter.with_stem(f"n{i}")) for i in range(6)]
    runs = list(execution.run_all(book, {}, lambda line: None))
    assert len(runs) == len(book)
    assert {run.failure.message for run in runs} == {
        "le processus qui exécutait ce chapitre a été tué (mémoire insuffisante ?)."
    }
