"""Publication: the whole build of a small book, and what a failure leaves untouched."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ssphub_book import chapters, feeds, offline, publication
from ssphub_book.sphinx.freshness import UNFINISHED
from tests.conftest import ROOT
from tests.test_history import commit, git


def build(root: Path) -> Path:
    return publication.build(root, report=lambda line: None)


def command(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "ssphub_book", "--root", str(root), *arguments]


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(root, *arguments), cwd=ROOT, capture_output=True, text=True)


def page(root: Path) -> str:
    return (root / "_build/html/notebooks/essais/un-et-un.html").read_text(encoding="utf-8")


@pytest.fixture
def built(small_book: Path) -> Path:
    build(small_book)
    return small_book


def test_every_page_is_there(built):
    assert "Un piège" in page(built)
    assert (built / "_build/html/book/index.html").is_file()
    assert (built / "_build/html/index.html").is_file()


def test_hidden_checks_stay_off_the_page(built):
    assert "assert valeur == 2" not in page(built)


def test_changed_data_reach_the_page(built, edit):
    (built / "notebooks/data/petit/valeur.csv").write_text(" 2 ")
    lines = []
    publication.build(built, report=lines.append)
    assert any(line.startswith("1 chapitre(s) exécuté(s)") for line in lines)


def test_a_page_that_quotes_a_figure_follows_it(small_book, small_chapter, edit):
    """The quoting page is not touched: the data of the chapter change, and its figure with them."""
    glued = 'from myst_nb import glue\n\nglue("signes", len(Path("../data/petit/valeur.csv").read_text()))'
    edit(small_chapter, "assert valeur == 2", f"assert valeur == 2\n{glued}\n")
    quote = "{glue:text}`../notebooks/essais/un-et-un.md::signes:.1f`"
    (small_book / "book/autre.md").write_text(f"# Autre\n\nIl y a {quote} signe.\n", encoding="utf-8")
    edit(small_book / "_toc.yml", "chapters:\n", "chapters:\n- file: book/autre\n")
    other = small_book / "_build/html/book/autre.html"
    build(small_book)
    assert ">1.0<" in other.read_text(encoding="utf-8")
    (small_book / "notebooks/data/petit/valeur.csv").write_text(" 2 ")
    build(small_book)
    assert ">3.0<" in other.read_text(encoding="utf-8")


def test_a_page_that_lists_chapters_is_read_again_for_what_it_shows_of_them(small_book, small_chapter, edit):
    """An edit of prose reads one page; a work that the bibliography shows, the bibliography too."""
    module = "ssphub_book.sphinx.freshness: {0}\n"
    added = module + "    ssphub_book.sphinx.bibliography: {0}\n"
    edit(small_book / "_config.yml", module.format(ROOT), added.format(ROOT))
    edit(small_book / "book/index.md", "Bonjour.", "Bonjour.\n\n```{bibliographie}\n```")
    doctrees = small_book / "_build/staging/_build/.doctrees"
    pages = {doctrees / "book/index.doctree", doctrees / "notebooks/essais/un-et-un.doctree"}

    def read_again() -> set[str]:
        before = {page: page.stat().st_mtime_ns for page in pages}
        build(small_book)
        return {page.stem for page in pages if page.stat().st_mtime_ns != before[page]}

    build(small_book)
    edit(small_chapter, "Un piège.", "Un grand piège.")
    assert read_again() == {"un-et-un"}
    edit(small_chapter, "Une source.", "- *Compter*, 2026.")
    assert read_again() == {"index", "un-et-un"}
    shown = (small_book / "_build/html/book/index.html").read_text(encoding="utf-8")
    assert "<em>Compter</em>, 2026." in shown


def test_after_a_rendering_cut_short_every_page_is_made_again(built, edit):
    """Sphinx may have noted as up to date a page that it had no time to write."""
    rendered = built / "_build/staging/_build"
    mark = rendered / ".doctrees" / UNFINISHED
    assert not mark.exists()
    edit(built / "book/index.md", "Bonjour.", "Bonsoir.")
    with (
        pytest.raises(KeyboardInterrupt),
        publication._rendering(built, (built / publication.STAGING / "shared").read_text()),
    ):
        wait_for(mark)
        raise KeyboardInterrupt
    assert mark.exists()
    other = rendered / "html/notebooks/essais/un-et-un.html"
    other.write_text("à moitié", encoding="utf-8")
    build(built)
    assert "Un piège" in page(built)
    assert not mark.exists()


def wait_for(file: Path) -> None:
    end = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_refused_page_leaves_the_others_as_they_are(built, edit):
    """What has no plain form is refused while Sphinx renders: the rendering goes to its end."""
    edit(built / "_config.yml", "language: fr", "language: fr\n    html_baseurl: https://example.org/livre")
    edit(built / "notebooks/essais/un-et-un.md", "double_2 = 2 * valeur", "double_2 = double_2_secret")
    edit(
        built / "notebooks/essais/un-et-un.md",
        "assert valeur == 2",
        "assert valeur == 2\ndouble_2_secret = 4",
    )
    with pytest.raises(chapters.ChapterError, match="cellule cachée"):
        build(built)
    assert not (built / "_build/staging/_build/.doctrees" / UNFINISHED).exists()


def test_a_build_with_nothing_changed_renders_nothing(built, edit, monkeypatch):
    rendered = []
    render = publication._rendering
    monkeypatch.setattr(publication, "_rendering", lambda *a: rendered.append(a) or render(*a))
    build(built)
    assert rendered == []
    edit(built / "book/index.md", "Bonjour.", "Bonsoir.")
    build(built)
    assert len(rendered) == 1
    assert "Bonsoir." in (built / "_build/html/book/index.html").read_text(encoding="utf-8")


def test_a_commit_is_a_change_for_it_dates_pages(built):
    lines = []
    publication.build(built, report=lines.append)
    assert lines[-1].startswith("Rien n'a changé")
    git(built, "init", "-q")
    commit(built, 1)
    publication.build(built, report=lines.append)
    assert lines[-1] == "Pages rendues par Jupyter Book."


def test_what_programs_read_waits_for_an_address_and_the_archive_does_not(built, edit):
    site = built / "_build/html"
    assert (site / offline.ARCHIVE).is_file()
    assert not (site / feeds.CHAPTERS).exists()
    edit(built / "_config.yml", "language: fr", "language: fr\n    html_baseurl: https://example.org/livre")
    build(built)
    assert (site / feeds.CHAPTERS).is_file()
    assert "https://example.org/livre/sitemap.xml" in (site / "robots.txt").read_text()


def test_two_builds_give_the_same_archive(built, edit):
    archive = built / "_build/html" / offline.ARCHIVE
    first = archive.read_bytes()
    edit(built / "book/index.md", "Bonjour.", "Bonsoir.")
    build(built)
    assert archive.read_bytes() != first
    edit(built / "book/index.md", "Bonsoir.", "Bonjour.")
    shutil.rmtree(built / "_build/staging")
    build(built)
    assert archive.read_bytes() == first


def test_plain_jupyter_book_uses_the_same_cache(built):
    program = Path(sys.executable).with_name("jupyter-book")
    command = [program, "build", ".", "-W", "-n", "--keep-going"]
    done = subprocess.run(command, cwd=built, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Using cached notebook" in done.stdout
    assert "Executing notebook" not in done.stdout


def test_a_new_entry_of_the_contents_reaches_the_menu_of_every_page(built):
    (built / "book/nouvelle.md").write_text("# Page nouvelle\n\nTexte.\n", encoding="utf-8")
    with (built / "_toc.yml").open("a") as contents:
        contents.write("- file: book/nouvelle\n")
    assert "Page nouvelle" not in page(built)
    build(built)
    assert "Page nouvelle" in page(built)


FAILURES = [
    ("valeur\n```", "1 / 0\n```", "ZeroDivisionError"),
    ("Un piège.", "Un [piège](absent.md).", "absent.md"),
    ("niveau: débutant", "niveau: facile", "« niveau » n'est pas admise"),
    ("valeur\n```", "import pandas as pd\n\npd.DataFrame({'a': [1]})\n```", "tableau sans légende"),
]


@pytest.mark.parametrize(("old", "new", "message"), FAILURES, ids=[f[2] for f in FAILURES])
def test_a_failed_build_leaves_the_site_untouched(built, small_chapter, edit, old, new, message):
    before = page(built)
    edit(small_chapter, old, new)
    with pytest.raises(publication.BuildError, match=message.replace(".", r"\.")) as failure:
        build(built)
    assert "notebooks/essais/un-et-un.md" in str(failure.value)
    assert page(built) == before


def test_two_builds_at_once(small_book):
    with (
        publication.alone(small_book / publication.LOCK, publication.BUSY),
        pytest.raises(publication.BuildError, match="une autre construction"),
    ):
        build(small_book)


def test_an_unwritable_output_folder(small_book):
    (small_book / "_build").write_text("a file where the folder should be")
    with pytest.raises(publication.BuildError, match=r"impossible d'écrire dans .*_build"):
        build(small_book)


def test_an_interrupted_build(built, small_chapter, edit):
    before = page(built)
    edit(small_chapter, "valeur\n```", "import time\n\nprint('ici')\ntime.sleep(30)\n```")
    edit(built / "_config.yml", "timeout: 20", "timeout: 60")
    process = subprocess.Popen(command(built, "build"), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not kernels(process.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    running = kernels(process.pid)
    assert running, "no kernel was started"
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Interrompu" in said
    assert "Traceback" not in said
    assert page(built) == before
    assert not [pid for pid in running if Path(f"/proc/{pid}").exists()], "a kernel outlived the build"
    edit(small_chapter, "import time\n\nprint('ici')\ntime.sleep(30)\n```", "valeur\n```")
    build(built)


def kernels(parent: int) -> list[int]:
    """Process numbers of the kernels below a process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes()
            status = (folder / "environ").read_bytes()
        except OSError:
            continue
        if b"ipykernel" in arguments and b"JPY_PARENT_PID=" in status:
            ancestor = int(folder.name)
            while ancestor > 1 and ancestor != parent:
                try:
                    ancestor = int(Path(f"/proc/{ancestor}/stat").read_text().rsplit(")", 1)[1].split()[1])
                except OSError:
                    break
            if ancestor == parent:
                found.append(int(folder.name))
    return found


def test_a_build_that_yields_no_page_is_refused(small_book, tmp_path):
    with pytest.raises(publication.BuildError, match="pages absentes"):
        publication._check_pages(small_book, tmp_path)


def test_an_interrupted_swap_is_mended(built):
    os.rename(built / "_build/html", built / "_build/html.previous")
    build(built)
    assert page(built)


def test_the_command_line_says_what_is_wrong(small_book, small_chapter, edit):
    edit(small_chapter, "valeur\n```", "1 / 0\n```")
    done = run(small_book, "build")
    assert done.returncode == 1
    assert done.stderr.startswith("notebooks/essais/un-et-un.md:")
    assert "Traceback" not in done.stderr
