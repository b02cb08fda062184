"""The live preview, in a real browser, on the small book."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ssphub_book import __main__ as command_line
from ssphub_book import chapters, publication
from ssphub_book.preview import loop, rendering
from ssphub_book.preview.mirror import Mirror, is_chapter
from ssphub_book.preview.progress import Progress
from tests.conftest import ROOT, write_small_book

PATIENCE = 60  # seconds; the machine may be busy
PAGE = "notebooks/essais/un-et-un"
FILE = f"{PAGE}.md"


def command(root: Path, port: str) -> list[str]:
    return [sys.executable, "-m", "ssphub_book", "--root", str(root), "preview", "--port", port]


class Preview:
    """A preview that runs in a process of its own; `lines` is what it said."""

    def __init__(self, root: Path, *arguments: str):
        self.process = subprocess.Popen(
            [*command(root, "0"), *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        self.address = re.search(r"http://\S+", self.wait("L'aperçu est prêt : "))[0]

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def wait(self, text: str, after: int = 0) -> str:
        """The first line, from number `after`, that holds the text."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = next((line for line in self.lines[after:] if text in line), None)
            if found is not None:
                return found
            assert self.process.poll() is None or text in "".join(self.lines), self.lines
            time.sleep(0.05)
        raise AssertionError(f"« {text} » was not said: {self.lines}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE)


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    return write_small_book(tmp_path_factory.mktemp("apercu") / "livre")


@pytest.fixture(scope="module")
def started(book: Path) -> Iterator[Preview]:
    started = Preview(book, str(book / FILE))
    started.wait(f"{FILE} : à jour")
    yield started
    started.stop()


@pytest.fixture
def preview(started: Preview, book: Path) -> Iterator[Preview]:
    """The preview that the tests share, on a book that each finds as it was."""
    before = sources(book)
    yield started
    said, now = len(started.lines), sources(book)
    for path in set(now) - set(before):
        path.unlink()
    for path, text in before.items():
        if now.get(path) != text:
            path.write_text(text, encoding="utf-8")
    if now != before:
        started.wait("à jour en", said)


def sources(book: Path) -> dict[Path, str]:
    found = [
        path for pattern in ("_*.yml", "book/*.md", "notebooks/essais/*.md") for path in book.glob(pattern)
    ]
    return {path: path.read_text(encoding="utf-8") for path in found}


@pytest.fixture
def chapter(book: Path) -> Path:
    return book / FILE


@pytest.fixture
def open_page(browser, preview):
    """The chapter's page, opened once and never reloaded by the test."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    page.goto(preview.address)
    page.wait_for_function("document.querySelector('article')?.textContent.includes('Un piège')")
    yield page
    page.close()


def shows(page, text: str) -> None:
    """Wait until the page shows the text by itself."""
    page.wait_for_function("text => document.querySelector('main')?.textContent.includes(text)", arg=text)


def test_a_prose_edit_shows_by_itself_at_the_same_place_and_executes_nothing(
    preview, open_page, chapter, edit
):
    open_page.evaluate("window.scrollTo(0, 600)")
    said = len(preview.lines)
    edit(chapter, "Un cas.", "Un cas tout neuf.")
    shows(open_page, "Un cas tout neuf.")
    preview.wait(f"{FILE} : à jour", said)
    assert not any("exécution" in line for line in preview.lines[said:])
    assert abs(open_page.evaluate("window.scrollY") - 600) < 5


def test_a_code_edit_executes_its_chapter_only(preview, open_page, book, chapter, edit):
    said = len(preview.lines)
    other = chapter.with_name("deux.md")
    other.write_text(chapter.read_text(encoding="utf-8").replace("# Un et un", "# Deux"), encoding="utf-8")
    with (book / "_toc.yml").open("a") as contents:
        contents.write("- file: notebooks/essais/deux\n")
    preview.wait("toutes les pages : à jour", said)
    said = len(preview.lines)
    edit(chapter, "\nvaleur\n```", "\nvaleur + 40\n```")
    shows(open_page, "42")
    executed = [line for line in preview.lines[said:] if "exécution" in line]
    assert executed == [f"{FILE} : exécution…"]


def test_a_failing_cell_is_shown_on_the_last_good_page_until_it_is_mended(
    preview, open_page, book, chapter, edit
):
    edit(chapter, "\nvaleur\n```", "\nvaleur / 0\n```")
    edit(chapter, "Un cas.", "Un autre cas.")
    box = open_page.locator(".apercu-point")
    box.wait_for()
    line = chapter.read_text(encoding="utf-8").splitlines().index("valeur / 0") + 1
    assert f"{FILE}:{line}" in box.inner_text()
    assert "ZeroDivisionError" in box.inner_text()
    assert preview.wait(f"{FILE}:{line}")
    assert "Un cas." in open_page.inner_text("main")

    edit(book / "book/index.md", "Bonjour.", "Bonsoir.")  # others go on
    preview.wait("book/index.md : à jour")

    edit(chapter, "valeur / 0", "valeur / 2")
    shows(open_page, "Un autre cas.")
    box.wait_for(state="detached")


def test_a_finding_of_the_contract_stands_near_its_line_and_prevents_nothing(
    preview, open_page, chapter, edit
):
    edit(chapter, "### Question 2 : un et un ?\n\n- A. Un", "### Question 2 : un et un ?\n\n- B. Trois")
    shows(open_page, "Trois")
    box = open_page.locator(".apercu-point").first
    assert "faites-le commencer par « - A. »" in box.inner_text()
    section = box.evaluate("box => box.closest('section').querySelector('h3').textContent")
    assert section.startswith("Question 2")
    edit(chapter, "- B. Trois", "- A. Un")
    open_page.locator(".apercu-point").first.wait_for(state="detached")


def test_a_warning_of_sphinx_is_said_in_french_at_its_line(preview, open_page, chapter, edit):
    edit(chapter, "Un cas.", "Un {rolle}`cas`.")
    box = open_page.locator(".apercu-point").first
    box.wait_for()
    assert "le rôle « rolle » n'existe pas" in box.inner_text()
    edit(chapter, "{rolle}`cas`", "cas réel")
    shows(open_page, "Un cas réel.")
    box.wait_for(state="detached")


def test_a_broken_header_leaves_the_page_and_the_others(preview, open_page, book, chapter, edit):
    edit(chapter, "  niveau: débutant", "  niveau: [débutant")
    box = open_page.locator(".apercu-point")
    box.wait_for()
    assert "en-tête illisible" in box.inner_text()
    assert "Un piège" in open_page.inner_text("main")
    edit(book / "book/index.md", "Bonjour.", "Bonsoir.")
    preview.wait("book/index.md : à jour")
    edit(chapter, "  niveau: [débutant", "  niveau: débutant")
    box.wait_for(state="detached")


def test_a_file_of_the_contents_that_is_not_there(preview, open_page, book, edit):
    edit(book / "_toc.yml", "chapters:\n", "chapters:\n- file: book/absente\n")
    box = open_page.locator(".apercu-point")
    box.wait_for()
    assert "_toc.yml:4" in box.inner_text()
    assert "« book/absente » n'existe pas" in box.inner_text()
    (book / "book/absente.md").write_text("# Plus absente\n\nTexte.\n", encoding="utf-8")
    box.wait_for(state="detached")
    open_page.goto(preview.address.replace(PAGE, "book/absente"))
    shows(open_page, "Plus absente")


def test_contents_and_configuration_that_cannot_be_read_keep_the_last_ones(
    preview, open_page, book, chapter, edit
):
    edit(book / "_config.yml", "title: Petit livre", "title: [Petit livre")
    open_page.locator(".apercu-point", has_text="_config.yml").wait_for()
    edit(chapter, "Un cas.", "Un cas malgré tout.")
    shows(open_page, "Un cas malgré tout.")
    edit(book / "_config.yml", "title: [Petit livre", "title: Grand livre")
    open_page.wait_for_function("document.title.includes('Grand livre')")
    open_page.locator(".apercu-point").first.wait_for(state="detached")


def test_nothing_of_the_preview_is_in_the_pages_nor_in_a_build(preview, book):
    rendered = (book / rendering.SITE / f"{PAGE}.html").read_text(encoding="utf-8")
    assert "_apercu" not in rendered
    site = publication.build(book, report=lambda line: None)
    assert "data-ligne" not in (site / f"{PAGE}.html").read_text(encoding="utf-8")


def family(parent: int) -> dict[int, str]:
    """The command of each process that descends from `parent`, by its number."""
    listing = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
    processes = [line.split(None, 2) for line in listing.stdout.splitlines()]
    found: dict[int, str] = {}
    todo = [str(parent)]
    while todo:
        current = todo.pop()
        for pid, above, command in processes:
            if above == current:
                found[int(pid)] = command
                todo.append(pid)
    return found


def test_ctrl_c_stops_kernels_and_processes_and_says_one_line(small_book, small_chapter, edit):
    edit(small_chapter, "\nvaleur\n```", "\nimport time\n\ntime.sleep(15)\n```")
    preview = Preview(small_book)
    deadline = time.monotonic() + PATIENCE
    while not any("ipykernel" in command for command in family(preview.process.pid).values()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    children = family(preview.process.pid)
    preview.stop()
    assert preview.process.returncode == 0
    assert preview.lines[-1] == "Aperçu arrêté."
    while any(Path(f"/proc/{child}").is_dir() for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_page_that_is_named_is_the_only_one_executed(small_book, small_chapter, edit):
    other = small_chapter.with_name("deux.md")
    other.write_text(
        small_chapter.read_text(encoding="utf-8").replace("\nvaleur\n", "\n2 * valeur\n"), "utf-8"
    )
    with (small_book / "_toc.yml").open("a") as contents:
        contents.write("- file: notebooks/essais/deux\n")
    preview = Preview(small_book, str(small_chapter))
    preview.wait(f"{FILE} : à jour")
    preview.wait("notebooks/essais/deux.md : pas encore exécuté")
    edit(other, "Un cas.", "Un autre cas.")
    preview.wait("notebooks/essais/deux.md : exécution…")
    preview.stop()


def test_the_preparation_says_how_far_it_is_then_that_it_is_ready(small_book, small_chapter):
    preview = Preview(small_book)
    preview.wait(f"{FILE} : à jour")
    preview.stop()
    steps = [
        "Préparation de l'aperçu : lecture des pages…",
        f"{FILE} : exécution…",
        "Préparation de l'aperçu (chapitres exécutés : 0 sur 1) : rendu des pages…",
        "L'aperçu est prêt : ",
        "Chapitres exécutés : 0 sur 1 ; la page des autres se mettra à jour seule.",
    ]
    said = [next((line for line in preview.lines if line.startswith(step)), step) for step in steps]
    assert said == sorted(said, key=preview.lines.index)
    preview = Preview(small_book)
    preview.stop()
    assert any("exécutés : 1 sur 1) : rendu" in line for line in preview.lines)
    assert not any(line.startswith("Chapitres") for line in preview.lines)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_preparation_on_one_line():
    screen = Terminal()
    progress = Progress(lambda line: print(line, file=screen), screen)
    with progress:
        progress.step("Lecture…")
        progress.say("Une erreur.")
        progress.step("Rendu…")
        deadline = time.monotonic() + PATIENCE
        while "Rendu… 1 s" not in screen.getvalue() and time.monotonic() < deadline:
            time.sleep(0.1)
    progress.say("Prêt.")
    shown = [line.split("\r\x1b[K")[-1] for line in screen.getvalue().split("\n")[:-1]]
    assert shown == ["Une erreur.", "Prêt."]
    assert "Lecture… 0 s" in screen.getvalue() and "Rendu… 1 s" in screen.getvalue()


def test_a_preview_that_starts_again_keeps_its_port(monkeypatch):
    words = ["python", "-m", "ssphub_book", "preview", "--port", "0", "git"]
    monkeypatch.setattr(sys, "orig_argv", words)
    again = loop._again(8003)
    options = command_line._parser().parse_args(again[3:])
    assert (again[0], options.port, options.chapter) == (sys.executable, 8003, "git")


def test_a_second_preview_and_a_port_that_is_taken_are_refused_plainly(preview, book, small_book):
    port = re.search(r":(\d+)/", preview.address)[1]
    second, taken = (
        subprocess.run(command(root, number), cwd=ROOT, capture_output=True, text=True)
        for root, number in ((book, "0"), (small_book, port))
    )
    assert (second.returncode, taken.returncode) == (1, 1)
    assert second.stderr.startswith("un aperçu de ce livre est déjà ouvert")
    assert taken.stderr.startswith(f"Le port {port} est pris")


def test_a_copy_that_bears_its_fingerprint_keeps_it(small_book, small_chapter):
    keyed = chapters.read(small_book, small_chapter).keyed_text
    small_chapter.write_text(keyed, encoding="utf-8")
    (small_book / "notebooks/data/petit/valeur.csv").write_text("3")
    assert chapters.read(small_book, small_chapter).keyed_text == keyed


def test_a_chapter_that_waits_keeps_what_lists_of_chapters_show(small_book, small_chapter, tmp_path, edit):
    mirror = Mirror(small_book, tmp_path)
    chapter = chapters.read(small_book, small_chapter)
    mirror.put_waiting(chapter)
    waiting = chapters.read(tmp_path, tmp_path / FILE)
    assert waiting.front == chapter.front
    assert waiting.title == chapter.title
    assert "jupytext" not in waiting.header
    edit(small_chapter, "niveau:", "niveau: [")
    (tmp_path / FILE).unlink()
    mirror.put_waiting(chapters.read(small_book, small_chapter))
    assert chapters.read(tmp_path, tmp_path / FILE).front == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (FILE, True),
        ("notebooks/data/SOURCE.md", False),
        ("notebooks/cahiers.py", False),
        ("book/a/b.md", False),
    ],
)
def test_what_is_a_chapter(name, expected):
    assert is_chapter(Path(name)) is expected
