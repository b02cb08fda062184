"""Words in English: marked for screen readers, and left out of French typography."""

from __future__ import annotations

from bs4 import BeautifulSoup

from tests.conftest import sphinx_build

CONF = """
extensions = ['myst_parser', 'ssphub_book.sphinx.language', 'ssphub_book.sphinx.typography']
language = 'fr'
smartquotes = False
html_theme = 'basic'
"""


def test_english_is_marked_and_keeps_its_typography(tmp_path):
    (tmp_path / "conf.py").write_text(CONF, encoding="utf-8")
    text = "# Titre\n\nLe pilote ({en}`driver: what?`) et « {en-droit}`Is it so?` » : oui ?\n"
    (tmp_path / "index.md").write_text(text, encoding="utf-8")
    sphinx_build(tmp_path, tmp_path / "out")
    soup = BeautifulSoup((tmp_path / "out/index.html").read_text(encoding="utf-8"), "html.parser")
    marked = [(tag.name, tag.get_text()) for tag in soup.select("[lang=en]")]
    assert marked == [("em", "driver: what?"), ("span", "Is it so?")]
    assert "\u00a0: oui\u202f?" in soup.get_text()


def test_english_terms_of_the_book_are_marked(site):
    page = (site / "notebooks/donnees-massives/spark.html").read_text(encoding="utf-8")
    marked = {tag.get_text() for tag in BeautifulSoup(page, "html.parser").select("article [lang=en]")}
    assert {"driver", "adaptive query execution"} <= marked
