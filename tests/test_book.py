"""The book as a whole: configuration, table of contents, contract, pages, links, plain Jupyter Book."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

from ssphub_book import chapters, contract, settings
from tests.conftest import ROOT

BOOK = chapters.find(ROOT)
HOME = urlsplit(settings.read(ROOT).address).path


def test_no_chapter_has_a_finding_be_it_an_advice():
    """The text and the code only: each chapter's own tests check its outputs."""
    assert contract.check_book(BOOK, ROOT) == []


def test_no_page_is_missing_from_the_table_of_contents():
    listed = set(contract.table_of_contents(ROOT))
    pages = {path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "book").rglob("*.md")}
    assert pages <= listed


def test_the_configuration_names_no_other_generation_of_jupyter_book():
    lock = (ROOT / "requirements.txt").read_text()
    assert re.search(r"^jupyter-book==1\.", lock, re.MULTILINE)
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    assert config["sphinx"]["config"]["language"] == "fr"


def test_every_direct_dependency_says_why_and_is_locked():
    lock = (ROOT / "requirements.txt").read_text()
    for line in (ROOT / "requirements.in").read_text().splitlines():
        if line and not line.startswith("#"):
            requirement, _, why = line.partition("#")
            name = re.match(r"[\w-]+", requirement)[0]
            assert why.strip(), line
            assert re.search(rf"^{name}==", lock, re.MULTILINE), name


def test_every_page_of_the_table_of_contents_is_built(site):
    expected = {f"{file}.html" for file in contract.table_of_contents(ROOT)}
    built = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert expected <= built
    assert len(expected) >= len(BOOK) + 3


def test_pages_hold_no_trace_of_a_failed_cell(site):
    assert not list(site.glob("reports/**/*.log"))
    for page in site.rglob("notebooks/**/*.html"):
        assert "Traceback (most recent call last)" not in page.read_text(encoding="utf-8")


def test_hidden_checks_stay_off_the_pages(site):
    for chapter in BOOK:
        page = (site / f"notebooks/{chapter.name}.html").read_text(encoding="utf-8")
        assert "glue(" not in page


@pytest.fixture(scope="module")
def files(site, soups) -> dict[Path, BeautifulSoup]:
    """Every HTML file of the site, entry and frames included."""
    return {path: soups[path.relative_to(site).as_posix()] for path in site.rglob("*.html")}


def test_every_internal_link_and_anchor_leads_somewhere(site, files):
    anchors = {path: _anchors(soup) for path, soup in files.items()}
    broken = [
        f"{path.relative_to(site)}: {address}"
        for path, soup in files.items()
        for address in _addresses(soup)
        if not _leads_somewhere(site, path, address, anchors)
    ]
    assert broken == []


def _anchors(soup: BeautifulSoup) -> set[str]:
    return {node["id"] for node in soup.select("[id]")} | {node["name"] for node in soup.select("a[name]")}


def _addresses(soup: BeautifulSoup) -> set[str]:
    links = {node["href"] for node in soup.select("a[href], link[href]")}
    return links | {node["src"] for node in soup.select("img[src], script[src]")}


def _leads_somewhere(site: Path, page: Path, address: str, anchors: dict[Path, set[str]]) -> bool:
    if urlsplit(address).scheme or address.startswith("//"):
        return True
    target, anchor = urldefrag(address)
    if target.startswith(HOME):  # the page of unknown addresses, shown at any depth
        return (site / unquote(urlsplit(target).path)[len(HOME) :]).is_file()
    path = (page.parent / unquote(urlsplit(target).path)).resolve() if target else page
    if not path.is_file():
        return False
    return not anchor or path not in anchors or unquote(anchor) in anchors[path]


def test_every_image_of_a_chapter_has_an_alternative_text(files):
    for path, soup in files.items():
        for image in soup.select("main img"):
            alt = image.get("alt", "").strip()
            assert len(alt) > 20, f"{path.name}: {alt!r}"


def test_every_table_of_a_chapter_has_a_caption(files):
    for path, soup in files.items():
        for table in soup.select(".cell_output table"):
            assert table.caption and table.caption.get_text(strip=True), path.name


def test_tables_of_contents_with_errors_are_seen(tmp_path):
    """The link checker itself can fail."""
    page = tmp_path / "a.html"
    page.write_text('<p id="ici"></p>')
    anchors = {page: {"ici"}}
    assert _leads_somewhere(tmp_path, page, "#ici", anchors)
    assert not _leads_somewhere(tmp_path, page, "#absent", anchors)
    assert not _leads_somewhere(tmp_path, page, "b.html", anchors)
    assert _leads_somewhere(tmp_path, page, f"{HOME}a.html", anchors)
    assert not _leads_somewhere(tmp_path, page, f"{HOME}b.html", anchors)
