"""The archive of the site: what it holds, and how it reads from a folder in Chromium."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from ssphub_book import contract, offline
from tests.conftest import ROOT
from tests.serving import drawn_pages

PAGES = [f"{file}.html" for file in contract.table_of_contents(ROOT)]


@pytest.fixture(scope="module")
def unzipped(site, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    with zipfile.ZipFile(site / offline.ARCHIVE) as archive:
        archive.extractall(folder)
    return folder / offline.FOLDER


def test_every_page_is_in_the_archive_and_no_index_that_a_folder_cannot_use(unzipped):
    files = {path.relative_to(unzipped).as_posix() for path in unzipped.rglob("*") if path.is_file()}
    assert {*PAGES, "index.html", "search.html", "searchindex.js"} <= files
    assert not [file for file in files if file.startswith(("pagefind/", ".", "partage/"))]
    assert not files & {"404.html", "robots.txt", "sitemap.xml", offline.ARCHIVE}


def test_the_same_site_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        site = tmp_path / name
        (site / "_static").mkdir(parents=True)
        for file in ("page.html", "image.png", "_static/style.css")[:: 1 if name == "a" else -1]:
            (site / file).write_text(file)
        offline.pack(site, tmp_path / "before")
    first, second = ((tmp_path / name / offline.ARCHIVE).read_bytes() for name in ("a", "b"))
    assert first == second
    again = offline.pack(tmp_path / "a", tmp_path / "b").read_bytes()
    assert again == first  # and the archive is never in itself


def test_words_that_left_the_book_leave_the_archive(tmp_path):
    contents = []
    for name, terms in (("a", '{"ancien":[],"mot":[0]}'), ("b", '{"mot":[0]}')):
        (tmp_path / name).mkdir()
        index = f'Search.setIndex({{"titleterms":{{}},"terms":{terms}}})'
        (tmp_path / name / offline.INDEX).write_text(index)
        with zipfile.ZipFile(offline.pack(tmp_path / name, tmp_path / "before")) as archive:
            contents.append(archive.read(f"{offline.FOLDER}/{offline.INDEX}"))
    assert contents[0] == contents[1]
    assert b"mot" in contents[0]


def visit(browser, addresses: list[str]) -> tuple[list[str], list[str]]:
    """(requests that are remote or fail, errors) while the pages open."""
    bad, errors = [], []
    context = browser.new_context()
    page = context.new_page()
    page.on("request", lambda r: bad.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
    page.on("requestfailed", lambda r: bad.append(r.url) if r.failure != "net::ERR_ABORTED" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    for address in addresses:
        page.goto(address)
        page.locator("article details").evaluate_all("all => all.forEach(d => d.open = true)")
        page.locator("img").evaluate_all("all => all.forEach(image => image.loading = 'eager')")
        page.wait_for_load_state("networkidle")
    context.close()
    return bad, errors


def test_pages_open_from_a_folder(site, unzipped, browser):
    drawn = [unzipped / name for name in drawn_pages(site) if name in PAGES]
    assert len(drawn) > 10
    assert visit(browser, [page.as_uri() for page in drawn]) == ([], [])


def test_a_remote_or_missing_file_would_be_seen(tmp_path, browser):
    page = tmp_path / "page.html"
    page.write_text('<img src="absent.png"><img src="http://127.0.0.1:9/remote.png">')
    bad, _errors = visit(browser, [page.as_uri()])
    assert {Path(address).name for address in bad} == {"absent.png", "remote.png"}


def test_the_archive_is_searched_from_a_folder(unzipped, browser):
    """From the dialog of a page, as a reader would: Enter leads to the search page."""
    context = browser.new_context()
    page = context.new_page()
    bad: list[str] = []
    # a page that is left in mid-load aborts its own requests: those are no fault of the archive
    page.on("requestfailed", lambda r: bad.append(r.url) if r.failure != "net::ERR_ABORTED" else None)
    page.on("request", lambda r: bad.append(r.url) if not r.url.startswith(("file:", "data:")) else None)
    page.goto((unzipped / "index.html").as_uri())
    page.wait_for_url(re.compile("book/index.html$"))
    page.click("header .search-button__button")
    page.keyboard.type("spark")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"search\.html\?q=spark$"))
    page.wait_for_selector("#search-results li a")
    links = page.locator("#search-results li a").evaluate_all("all => all.map(a => a.href)")
    assert any("notebooks/donnees-massives/spark.html" in link for link in links), links
    page.wait_for_timeout(500)  # each result would fetch its page for an excerpt
    page.locator("#search-results li a").first.click()
    page.wait_for_function("document.querySelector('h1')?.innerText")
    context.close()
    assert bad == []
