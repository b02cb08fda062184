"""The card of a chapter and the page's metadata, on a small book built by Sphinx."""

import pytest
from bs4 import BeautifulSoup
from sphinx.errors import ExtensionError

from ssphub_book import launch, settings
from tests import launch_links
from tests.conftest import ROOT, sphinx_build

CONF = """
extensions = ['myst_parser', 'ssphub_book.sphinx.typography', 'ssphub_book.sphinx.header']
language = '{language}'
smartquotes = False
html_theme = 'basic'
master_doc = 'book/index'
"""
CHAPTER = """---
chapitre:
  question: "Comment compter l'essentiel : vite ?"
  niveau: débutant
  duree: 45
  objectifs: [compter l'essentiel, "nommer <b>tout</b>", vérifier]
  prerequis: [pratiques/autre]
  donnees: [communes, inconnues]
  mots_cles: [dataviz, "R&D"]
  sspcloud: {chart: jupyter-pyspark, memoire: 8Gi}
---
# Premier

from tests.conftest import sphinx_build

Texte.
"""
OTHER = """---
chapitre:
  question: Et ensuite ?
  niveau: avancé
  duree: 10
  prerequis: []
---
# L'autre : chapitre
"""
BOOK_CONFIG = """
repository: {{url: "{repository}"}}
sphinx: {{config: {{release: "{release}", html_baseurl: "https://cahiers.example/"}}}}
"""
INDEX = """---
description: L'accueil ; en bref.
---
# Accueil

```{toctree}
../notebooks/theme/premier
../notebooks/pratiques/autre
annexes/donnees
```
"""


def build(folder, language="fr", repository="", release="2026.11"):
    files = {
        "_config.yml": BOOK_CONFIG.format(repository=repository, release=release),
        "conf.py": CONF.format(language=language),
        "book/index.md": INDEX,
        "book/annexes/donnees.md": "# Données\n\n## Communes\n\nTexte.\n",
        "notebooks/theme/premier.md": CHAPTER,
        "notebooks/pratiques/autre.md": OTHER,
        "notebooks/data/communes/SOURCE.md": "---\nnom: communes\n---\n\n# Les communes d'ici\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    out = folder / "out"
    sphinx_build(folder, out)
    return {
        name: BeautifulSoup((out / f"{name}.html").read_text("utf-8"), "html.parser")
        for name in ("book/index", "notebooks/theme/premier", "notebooks/pratiques/autre")
    }


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    return build(tmp_path_factory.mktemp("header"))


@pytest.fixture
def page(pages):
    return pages["notebooks/theme/premier"]


def entry(page, key):
    return page.select_one(f".fiche-{key} dd")


def test_the_card_follows_the_title_and_has_a_name(page):
    card = page.select_one(".fiche")
    assert card.name == "section" and card["aria-label"]
    assert card.find_previous_sibling().name == "h1"
    assert page.select_one(".fiche-question").get_text() == ("Comment compter l’essentiel\u00a0: vite\u202f?")


def test_level_time_and_goals(page):
    assert entry(page, "niveau").get_text() == "Débutant"
    assert entry(page, "duree").get_text() == "45\u00a0min"
    goals = [item.get_text() for item in entry(page, "objectifs").find_all("li")]
    assert goals == ["compter l’essentiel", "nommer <b>tout</b>", "vérifier"]


def test_prerequisites_are_links_with_titles(page, pages):
    link = entry(page, "prerequis").a
    assert link["href"] == "../pratiques/autre.html"
    assert link.get_text() == "L’autre\u00a0: chapitre"
    assert entry(pages["notebooks/pratiques/autre"], "prerequis").a is None


def test_data_lead_to_their_source(page):
    known, unknown = entry(page, "donnees").find_all("a")
    assert known["href"] == "../../book/annexes/donnees.html#communes"
    assert known.get_text() == "Les communes d’ici"
    assert (unknown["href"], unknown.get_text()) == ("../../book/annexes/donnees.html", "inconnues")


def test_lists_are_definitions(page):
    for group in page.select(".fiche dl > div"):
        assert [child.name for child in group.children if child.name] == ["dt", "dd"]


def test_description_and_keywords(page, pages):
    def meta(page, name):
        return [tag["content"] for tag in page.find_all("meta", attrs={"name": name})]

    assert meta(page, "description") == ["Comment compter l’essentiel\u00a0: vite\u202f?"]
    assert meta(page, "keywords") == ["dataviz, R&D"]
    assert meta(pages["book/index"], "description") == ["L’accueil\u202f; en bref."]
    assert pages["book/index"].select_one(".fiche") is None


def test_another_language_keeps_the_text_as_typed(tmp_path):
    page = build(tmp_path, "en")["notebooks/theme/premier"]
    assert page.select_one(".fiche-question").get_text() == "Comment compter l'essentiel : vite ?"
    assert page.select_one(".fiche-niveau dt").get_text() == "Level"


# --- Running the chapter -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def at_home(tmp_path_factory):
    """The book where its repository is known."""
    folder = tmp_path_factory.mktemp("home")
    return folder, build(folder, repository="https://github.com/ssphub/cahiers")


def test_the_card_opens_the_chapter_in_sspcloud(at_home):
    folder, pages = at_home
    book = settings.read(folder)
    button, script, *downloads = entry(pages["notebooks/theme/premier"], "executer").find_all("a")
    assert button["href"] == launch.link(book, "theme/premier", "jupyter-pyspark", "8Gi")
    assert button.get_text() == "Open in SSP Cloud"
    assert script["href"] == launch.script(book)
    files = ["premier.ipynb", "premier-solution.ipynb", "../../cahiers-notebooks.zip"]
    assert [link["href"] for link in downloads] == files
    said = entry(pages["notebooks/theme/premier"], "executer").get_text()
    assert "An account is needed" in said and "do not open yet" not in said
    assert pages["notebooks/pratiques/autre"].select_one(".fiche-executer") is None


def test_the_card_says_that_the_book_has_no_home_yet(tmp_path, page):
    shown = build(tmp_path, repository="https://example.org/ssphub/cahiers")["notebooks/theme/premier"]
    assert "do not open yet" in shown.select_one(".fiche-executer .fiche-avertissement").get_text()
    assert page.select_one(".fiche-executer") is None, "nothing to run without a repository"


def test_a_release_that_makes_no_link_stops_the_build(tmp_path):
    with pytest.raises(ExtensionError, match="release"):
        build(tmp_path, repository="https://github.com/ssphub/cahiers", release="latest")


def test_each_chapter_of_the_book_says_in_french_how_to_run_it(site):
    for name in launch_links.book_links():
        html = (site / f"notebooks/{name}.html").read_text(encoding="utf-8")
        shown = BeautifulSoup(html, "html.parser").select_one(".fiche-executer")
        assert shown.a["href"] == launch_links.book_links()[name]
        said = shown.get_text()
        for words in (
            "Ouvrir dans SSP Cloud",
            "Il faut un compte",
            "exécute ce script",
            "Sans compte, sur votre poste\u00a0:",
        ):
            assert words in said
        assert ("adresse définitive" in said) == (not launch.has_home(settings.read(ROOT)))
