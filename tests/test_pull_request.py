"""What a pull request is told: the pages that it changes, in a comment that its code cannot forge."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import pytest

from ssphub_book import changes
from tests.conftest import ROOT

CHAPTER = "notebooks/essais/un-et-un"


def _load():
    spec = importlib.util.spec_from_file_location("comment", ROOT / ".github/comment.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


comment = _load()


@pytest.mark.parametrize(
    ("file", "pages", "everywhere"),
    [
        (f"{CHAPTER}.md", [CHAPTER], False),
        ("book/index.md", ["book/index"], False),
        ("notebooks/data/petit/valeur.csv", [CHAPTER], False),
        ("notebooks/cahiers.py", [CHAPTER], False),
        ("notebooks/data/petite/valeur.csv", [], False),
        ("book/brouillon.md", [], False),
        ("tests/test_book.py", [], False),
        ("_toc.yml", [], True),
        ("ssphub_book/theme/static/cahiers.css", [], True),
    ],
)
def test_a_file_changes_its_page_and_those_that_rest_on_it(small_book, file, pages, everywhere):
    assert changes.of_files(small_book, {file}) == changes.Changes(pages, everywhere)


@pytest.fixture
def repository(small_book):
    """The small book under Git, with one commit."""

    def git(*arguments: str) -> str:
        names = ["-c", "user.name=Essai", "-c", "user.email=essai@example.org"]
        done = subprocess.run(["git", *names, *arguments], cwd=small_book, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--quiet", "-m", "Book")
    return git


def test_only_what_the_branch_did_counts(repository, small_book, small_chapter, edit):
    repository("switch", "--quiet", "-c", "proposal")
    edit(small_chapter, "Additionnez.", "Additionnez donc.")
    repository("commit", "--quiet", "--all", "-m", "Proposal")
    repository("switch", "--quiet", "main")
    edit(small_book / "book/index.md", "Bonjour", "Bonsoir")
    repository("commit", "--quiet", "--all", "-m", "Meanwhile")
    base = repository("rev-parse", "HEAD")
    repository("switch", "--quiet", "proposal")
    assert changes.since(small_book, base).pages == [CHAPTER]


def test_an_unknown_commit_is_said(repository, small_book):
    command = [sys.executable, "-m", "ssphub_book", "--root", small_book, "changes", "--since", "0" * 40]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Git ne connaît pas" in done.stderr and "Traceback" not in done.stderr


def test_the_comment_reads_what_the_build_leaves(repository, small_book, small_chapter, edit, tmp_path):
    edit(small_chapter, "Additionnez.", "Additionnez donc.")
    repository("commit", "--quiet", "--all", "-m", "Proposal")
    command = [sys.executable, "-m", "ssphub_book", "--root", small_book, "changes", "--since", "HEAD~1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    (tmp_path / "changes.json").write_text(done.stdout)
    assert comment.changes(tmp_path / "changes.json") == ([CHAPTER], False)


def received(tmp_path, said: object) -> tuple[list[str], bool]:
    path = tmp_path / "received.json"
    path.write_text(said if isinstance(said, str) else json.dumps(said))
    return comment.changes(path)


def test_sound_pages_go_through(tmp_path):
    pages = ["notebooks/pratiques/git", "book/index"]
    assert received(tmp_path, {"pages": pages, "everywhere": True}) == (sorted(pages), True)


@pytest.mark.parametrize(
    "page",
    [
        "notebooks/a` <img src=x>",
        "notebooks/../.github/workflows",
        "book/x](https://example.org)",
        "book/x\n\n@everyone",
        "https://example.org/book/x",
        "book/" + "x" * 200,
        {"book": 1},
    ],
)
def test_nothing_forged_goes_through(tmp_path, page):
    assert received(tmp_path, {"pages": [page, "book/index"], "everywhere": False}) == (["book/index"], False)


@pytest.mark.parametrize("said", ["", "{", "[]", "null", '{"pages": 3, "everywhere": 1}', "[" * 99_000])
def test_a_list_that_is_not_one_says_nothing(tmp_path, said):
    assert received(tmp_path, said) == ([], False)


def test_a_list_too_long_to_be_true_is_not_read(tmp_path):
    assert received(tmp_path, {"pages": ["book/index"] * 20_000, "everywhere": True}) == ([], False)
    assert comment.changes(tmp_path / "absent.json") == ([], False)


@pytest.mark.parametrize(
    ("artifacts", "conclusion", "said"),
    [
        ([{"name": "changes", "id": 1}, {"name": "apercu-du-livre", "id": 2}], "success", "artifacts/2"),
        ([{"name": "apercu-du-livre", "id": 2}], "failure", "Des points restent à régler"),
        ([{"name": "changes", "id": 1}], "failure", "n'a pas pu être construit"),
    ],
)
def test_the_comment_says_what_became_of_the_request(tmp_path, artifacts, conclusion, said):
    received(tmp_path, {"pages": ["book/index"], "everywhere": False})
    (tmp_path / "received").mkdir()
    (tmp_path / "received.json").rename(tmp_path / "received/changes.json")
    (tmp_path / "artifacts.json").write_text(json.dumps({"artifacts": artifacts}))
    variables = {"REPOSITORY": "a/b", "RUN": "7", "CONCLUSION": conclusion, "COMMIT": "0123456789"}
    script = ROOT / ".github/comment.py"
    done = subprocess.run(
        [sys.executable, "-I", script],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(comment.MARK)
    assert said in done.stdout and "- `book/index`" in done.stdout and "Commit 0123456." in done.stdout


def test_a_long_list_is_cut():
    text = comment.comment([f"book/p{n}" for n in range(80)], True, None, "failure", "https://example.org")
    assert "- `book/p59`" in text and "book/p60`" not in text and "et 20 autres" in text
    assert "toutes les pages partagent" in text
