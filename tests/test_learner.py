"""The notebooks that readers download: what they hold, and that they run from the archive alone."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from urllib.parse import urldefrag

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient

from ssphub_book import chapters, execution, kept, learner, notebooks, offline, plain, settings
from ssphub_book.__main__ import main
from tests.conftest import ROOT, sample, sphinx_build

BOOK = {chapter.name: chapter for chapter in chapters.find(ROOT)}
ADDRESS = settings.read(ROOT).address
FILES = [learner.path(chapter, version) for chapter in BOOK.values() for version in learner.VERSIONS]
CODE = re.compile(r"^( *>? *)(`{3,}).*?^\1\2|(`+)(?!`).+?(?<!`)\3(?!`)", re.MULTILINE | re.DOTALL)
MYST = re.compile(r"\{[\w:+-]+\}`|^\W*(?:`{3,}|:{3,}|~{3,})\{|^\([\w-]+\)=|^% ", re.MULTILINE)
LINK = re.compile(r"\]\(([^)]+)\)")
RUN = sample(sorted(BOOK), 1, after=1)  # test_determinism takes the first one drawn


@pytest.fixture(scope="module")
def tree(site, tmp_path_factory) -> Path:
    """The archive of the site, unzipped far from the repository."""
    folder = tmp_path_factory.mktemp("lecteur")
    with zipfile.ZipFile(site / learner.ARCHIVE) as archive:
        archive.extractall(folder)
    return folder / notebooks.FOLDER


def read(tree: Path, chapter: str, version: str) -> nbformat.NotebookNode:
    return nbformat.read(tree / learner.path(BOOK[chapter], version), as_version=4)


def sources(notebook: nbformat.NotebookNode, tag: str) -> list[str]:
    return [cell.source for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


# --- what they hold -----------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES)
def test_a_notebook_is_valid_and_holds_no_output(tree, file):
    notebook = nbformat.read(tree / file, as_version=4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec == {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    assert [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs] == []
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


@pytest.mark.parametrize("file", FILES)
def test_its_prose_is_plain(tree, file):
    for cell in nbformat.read(tree / file, as_version=4).cells:
        if cell.cell_type == "markdown":
            assert not MYST.findall(CODE.sub("", cell.source)), cell.source


@pytest.mark.parametrize("file", FILES)
def test_its_links_lead_to_the_site_or_elsewhere(tree, site, file):
    prose = [c.source for c in nbformat.read(tree / file, as_version=4).cells if c.cell_type == "markdown"]
    links = [link for text in prose for link in LINK.findall(CODE.sub("", text))]
    beside = [link for link in links if not link.startswith("https://")]
    assert [link for link in beside if not (tree / file).with_name(link).is_file()] == []
    for link in {link for link in links if link.startswith(ADDRESS)}:
        page, anchor = urldefrag(link.removeprefix(ADDRESS))
        text = (site / page).read_text(encoding="utf-8")
        assert not anchor or f'id="{anchor}"' in text, link


@pytest.mark.parametrize("name", BOOK)
def test_solutions_are_in_one_version_and_hidden_checks_in_none(tree, name):
    exercises, solutions = (read(tree, name, version) for version in learner.VERSIONS)
    found = {
        tag: [c.source for c in BOOK[name].cells if tag in c.tags] for tag in ("solution", "verification")
    }
    code = {cell.source for cell in exercises.cells}
    assert sources(solutions, "solution") == found["solution"] != []
    assert not sources(exercises, "solution") and not code & {*found["solution"]}
    assert not {cell.source for cell in solutions.cells} & {*found["verification"]}
    for notebook in (exercises, solutions):
        assert len(sources(notebook, "exercice")) >= 3
        controls = [cell for cell in notebook.cells if "controle" in cell.metadata.get("tags", [])]
        assert controls and all(cell.metadata.jupyter.source_hidden for cell in controls)
    assert sources(exercises, "raises-exception") == sources(exercises, "controle")
    assert sources(solutions, "raises-exception") == []


def test_its_metadata_name_what_it_imports(tree):
    said = read(tree, "apprentissage/imputation", learner.EXERCISES).metadata.cahiers
    assert said.paquets["sklearn"] == "scikit-learn" and said.paquets["pandas"] == "pandas"
    assert not {"os", "cahiers", "myst_nb"} & said.paquets.keys()
    assert said.page == f"{ADDRESS}notebooks/apprentissage/imputation.html"


def test_the_archive_holds_all_that_notebooks_need(tree):
    files = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}
    needed = {"LISEZMOI.md", "requirements.txt", "notebooks/cahiers.py", "notebooks/ssphub.mplstyle", *FILES}
    needed.add("notebooks/pratiques/moteur_conteneurs.py")
    assert needed <= files
    assert not [file for file in files if file.endswith("extract.py")]
    for chapter in BOOK.values():
        for name in chapter.data:
            assert {f"notebooks/data/{name}/SOURCE.md", f"notebooks/data/{name}/{name}.parquet"} <= files
    readme = (tree / "LISEZMOI.md").read_text(encoding="utf-8")
    assert learner.UNIX in readme and learner.WINDOWS in readme and ADDRESS in readme


def test_its_requirements_are_the_locked_versions_of_what_chapters_use(tree):
    lines = (tree / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = re.findall(r"^([\w.-]+==[^\\\n]+?) ?\\?$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert set(lines) <= set(pins)
    names = {line.partition("==")[0] for line in lines}
    # read by pandas, required by matplotlib, run as a program, on which the kernel stands
    assert {"pyarrow", "kiwisolver", "nbstripout", "ipykernel", "tornado", "scikit-learn"} <= names
    assert not {"sphinx", "jupyter-book", "playwright", "myst-nb"} & names
    assert [line for line in lines if line.startswith("numpy==")] == [
        p for p in pins if p.startswith("numpy==")
    ]


# --- how the site and the command line give them -------------------------------------------------


def test_the_command_line_writes_the_tree_of_the_archive(tree, tmp_path):
    assert main(["notebooks", "--output", str(tmp_path / "a")]) == 0
    for path in tree.rglob("*"):
        if path.is_file():
            assert (tmp_path / "a" / path.relative_to(tree)).read_bytes() == path.read_bytes()


def test_a_page_leads_to_its_notebooks(site, soups):
    for chapter in BOOK.values():
        page = site / f"notebooks/{chapter.name}.html"
        links = soups[f"notebooks/{chapter.name}.html"].select(".fiche-executer a[download]")
        files = [(page.parent / link["href"]).resolve().relative_to(site) for link in links]
        assert [file.as_posix() for file in files] == [
            *(learner.path(chapter, version) for version in learner.VERSIONS),
            learner.ARCHIVE,
        ]
        assert all((site / file).is_file() for file in files)


def test_a_book_without_address_offers_no_notebook(tmp_path):
    (tmp_path / "notebooks/essais").mkdir(parents=True)
    header = "chapitre:\n  sspcloud: {chart: jupyter-python, memoire: 2Gi}\n"
    (tmp_path / "notebooks/essais/un.md").write_text(f"---\n{header}---\n# Un\n")
    conf = "extensions = ['myst_parser', 'ssphub_book.sphinx.header']\nmaster_doc = 'notebooks/essais/un'\n"
    (tmp_path / "conf.py").write_text(conf)
    cards = []
    for name, address in (("sans", ""), ("avec", "https://livre.example/")):
        config = {"html_baseurl": address, "release": "2026.11"}
        book = {"repository": {"url": "https://livre.example/a/b"}, "sphinx": {"config": config}}
        (tmp_path / "_config.yml").write_text(json.dumps(book))
        sphinx_build(tmp_path, tmp_path / name)
        cards.append((tmp_path / name / "notebooks/essais/un.html").read_text(encoding="utf-8"))
    assert ["fiche-executer" in card for card in cards] == [False, True]


def test_the_copy_to_read_offline_has_the_notebooks_and_links_to_the_archive_on_the_site(site):
    with zipfile.ZipFile(site / offline.ARCHIVE) as archive:
        names = {name.removeprefix(f"{offline.FOLDER}/") for name in archive.namelist()}
        page = archive.read(f"{offline.FOLDER}/notebooks/pratiques/git.html").decode()
    assert {*FILES} <= names and learner.ARCHIVE not in names
    links = [
        link["href"] for link in BeautifulSoup(page, "html.parser").select(".fiche-executer a[download]")
    ]
    assert links == ["git.ipynb", "git-solution.ipynb", f"{ADDRESS}{learner.ARCHIVE}"]


# --- a small book, to break ----------------------------------------------------------------------

GLOSSARY = "# Glossaire\n\n```{glossary}\nNon-réponse\n  Une définition.\n```\n"
PROSE = """\
(ici)=
# Un : l'essai

"Voici" {glue:text}`total:,.1f` points, soit {glue:text}`part:.1%` :
la {term}`non-réponse` ; {en}`hot deck`.

```{admonition} L'essentiel
:class: essentiel
Additionnez `a:b`.

- un
```

:::{warning}
Voyez [ailleurs](un-et-un.md),
{ref}`là <ici>` et $x ; y$.
:::

```{dropdown} Indice
Un {math}`n!`.
```

```{table} Les nombres
| a | b |
| --- | :-: |
| 1 | 2{sup}`e` |
```

$$
a = b
$$ (egalite)

```python
{term}`code`
```
"""
PLAIN = """\
# Un\u00a0: l’essai

«\u00a0Voici\u00a0» 1\u202f234,5 points, soit 20,0\u202f%\u00a0:
la [non-réponse](https://livre.example/book/annexes/glossaire.html#term-Non-reponse)\u202f; _hot deck_.

> **L’essentiel**
>
> Additionnez `a:b`.
>
> - un

> **Avertissement**
>
> Voyez [ailleurs](https://livre.example/notebooks/essais/un-et-un.html),
> [là](https://livre.example/notebooks/essais/un-et-un.html#ici) et $x ; y$.

<details>
<summary>Indice</summary>

Un $n!$.

</details>

_Les nombres_

| a | b |
| --- | :-: |
| 1 | 2<sup>e</sup> |

$$
a = b
$$

```python
{term}`code`
```"""


@pytest.fixture
def addressed(small_book, small_chapter, edit) -> Path:
    """The small book with an address and a glossary."""
    edit(
        small_book / "_config.yml",
        "    language: fr\n",
        "    language: fr\n    html_baseurl: https://livre.example\n",
    )
    edit(small_book / "_toc.yml", "chapters:\n", "chapters:\n- file: book/annexes/glossaire\n")
    (small_book / "book/annexes/glossaire.md").write_text(GLOSSARY, encoding="utf-8")
    return small_book


def prose(book: Path, file: Path) -> plain.Prose:
    files = ("book/annexes/glossaire", "notebooks/essais/un-et-un")
    known = plain.Book(book, "https://livre.example/", files)
    return plain.Prose(chapters.read(book, file), known, {"total": "1234.5", "part": "0.2"})


def test_prose_becomes_plain_markdown(addressed, small_chapter, edit):
    edit(small_chapter, "# Un et un\n", "(ici)=\n# Un et un\n")
    assert prose(addressed, small_chapter).block(PROSE, 1) == PLAIN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```{bibliographie}\n```", "la directive « bibliographie »"),
        ("Du {rouge}`texte`.", "le rôle « rouge »"),
        ("- un\n\n  > Du {rouge}`texte`.", "le rôle « rouge »"),
        ("```{admonition} L'essentiel\n\nDu {rouge}`texte`.\n```", "le rôle « rouge »"),
        ("```{dropdown} Indice\n```{bibliographie}\n```\n```", "la directive « bibliographie »"),
        ("Un {term}`inconnu`.", "le terme « inconnu »"),
        ("Vaut {glue:text}`absente:.1f`.", "la valeur « absente »"),
        ("Un [lien](../data/petit/SOURCE.md).", "ne mène à aucune page"),
        ("Un [lien](#nulle-part).", "l'ancre « nulle-part »"),
    ],
)
def test_what_has_no_plain_form_is_an_error_with_its_line(addressed, small_chapter, edit, text, said):
    edit(small_chapter, "Un piège.", f"Un piège.\n\n{text}")
    lines = small_chapter.read_text(encoding="utf-8").splitlines()
    clue = re.search(r"\{(?:rouge|bibliographie|term|glue:text)\}|\[lien\]", text)[0]
    line = next(n for n, content in enumerate(lines, 1) if clue in content)
    with pytest.raises(chapters.ChapterError) as raised:
        made(addressed)
    assert str(raised.value).startswith(f"notebooks/essais/un-et-un.md:{line}  ")
    assert said in str(raised.value)


def test_a_program_that_the_text_offers_is_in_the_archive(addressed, small_chapter, edit):
    small_chapter.with_name("a_part.py").write_text("print(1)\n", encoding="utf-8")
    edit(small_chapter, "Un piège.", "Un piège, [à part](a_part.py).")
    found = made(addressed)
    assert found["notebooks/essais/a_part.py"] == b"print(1)\n"
    reading = next(text for name, text in found.items() if name.endswith("un-et-un.ipynb"))
    assert b"[\\u00e0 part](a_part.py)" in reading or "[à part](a_part.py)".encode() in reading


def made(book: Path) -> dict[str, bytes]:
    execution.execute(chapters.find(book))
    return notebooks.files(book)


def test_a_cell_that_needs_a_hidden_name_is_refused(addressed, small_chapter, edit):
    edit(small_chapter, "assert valeur == 2", "assert valeur == 2\nsecret = 2")
    made(addressed)
    edit(small_chapter, "double_2 = 2 * valeur", "double_2 = secret * valeur")
    with pytest.raises(chapters.ChapterError, match="« secret » n'est défini que par la cellule cachée"):
        made(addressed)


def test_the_same_book_gives_the_same_bytes(addressed):
    archives = []
    execution.execute(chapters.find(addressed))
    for _ in range(2):
        archives.append(notebooks.offered(addressed, addressed / "nothing")[learner.ARCHIVE])
        shutil.rmtree(addressed / kept.FOLDER)
    assert archives[0] == archives[1]


def test_a_notebook_is_made_again_when_its_prose_or_what_it_links_changes(
    addressed, small_chapter, edit, monkeypatch
):
    calls = []
    make = learner.notebooks
    monkeypatch.setattr(learner, "notebooks", lambda *a: calls.append(1) or make(*a))
    edit(small_chapter, "Un piège.", "Un piège, la {term}`non-réponse`.")
    made(addressed), made(addressed)
    assert len(calls) == 1
    edit(small_chapter, "Un piège", "Un autre piège")
    assert "Un autre piège" in made(addressed)["notebooks/essais/un-et-un.ipynb"].decode()
    edit(addressed / "book/annexes/glossaire.md", "Non-réponse", "non-réponse")
    assert "#term-non-reponse" in made(addressed)["notebooks/essais/un-et-un.ipynb"].decode()
    assert len(calls) == 3


# --- running them --------------------------------------------------------------------------------


def run(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in a folder, as JupyterLab's « Run all » does."""
    client = NotebookClient(
        notebook,
        timeout=execution.cell_limit(ROOT),
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    with client.setup_kernel(stderr=subprocess.DEVNULL, env=os.environ | ENGINES):
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
    return notebook


# The base images of the Docker chapter, which the archive does not hold.
ENGINES = {"SSPHUB_CONTENEURS": str(ROOT / "_build/conteneurs")}


def errors(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """What each cell that fails says, by its source."""
    return {
        cell.source: execution.ANSI.sub("", "\n".join(output.traceback))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    }


def answered(exercises: nbformat.NotebookNode, solutions: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The exercises with each solution pasted under its exercise; a check that fails stops it."""
    answers: list[str] = []
    for cell in solutions.cells:
        tags = cell.metadata.get("tags", [])
        if "exercice" in tags:
            answers.append(cell.source)
        elif "solution" in tags:
            answers[-1] += f"\n{cell.source}"
    notebook = copy.deepcopy(exercises)
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "exercice" in tags:
            cell.source = answers.pop(0)
        cell.metadata["tags"] = [tag for tag in tags if tag != "raises-exception"]
    return notebook


@pytest.mark.parametrize("name", RUN)
def test_the_solutions_run_from_the_archive(tree, name):
    notebook = read(tree, name, learner.SOLUTIONS)
    assert errors(run(notebook, (tree / learner.path(BOOK[name], "")).parent)) == {}


@pytest.mark.parametrize("name", RUN)
def test_the_exercises_run_once_answered(tree, name):
    notebook = answered(*(read(tree, name, version) for version in learner.VERSIONS))
    assert errors(run(notebook, (tree / learner.path(BOOK[name], "")).parent)) == {}


@pytest.mark.parametrize("name", RUN)
def test_the_exercises_run_to_their_end_unanswered(tree, name):
    notebook = read(tree, name, learner.EXERCISES)
    said = errors(run(notebook, (tree / learner.path(BOOK[name], "")).parent))
    assert {*said} <= {*sources(notebook, "controle")}
    for source in sources(notebook, "controle"):
        if "verifier(" in source:
            assert "remplacez les trois points" in said[source]
            assert "Traceback" not in said[source]


def test_a_notebook_alone_says_what_to_do(tree, tmp_path):
    notebook = read(tree, "visualisation/graphiques-lisibles", learner.EXERCISES)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"][:1]
    notebook.cells[0].metadata["tags"] = ["raises-exception"]
    (said,) = errors(run(notebook, tmp_path)).values()
    assert said.startswith("Ce notebook a été séparé des fichiers dont il a besoin.")
    assert "  ../cahiers.py\n  ../data/communes_population\n  ../ssphub.mplstyle\n" in said
    assert f"{ADDRESS}{learner.ARCHIVE}" in said and "Traceback" not in said


def test_a_missing_package_is_named_with_what_installs_it(tree, monkeypatch):
    (cell,) = [c for c in read(tree, "pratiques/git", learner.EXERCISES).cells if "def chercher" in c.source]
    monkeypatch.chdir(tree / "notebooks/pratiques")
    exec(cell.source, {})
    with pytest.raises(Exception, match=r"%pip install paquet-absent\n"):
        exec(cell.source.replace('"pandas": "pandas"', '"module_absent": "paquet-absent"'), {})


def test_a_notebook_is_written_as_jupyter_writes_it(tree):
    text = (tree / FILES[0]).read_text(encoding="utf-8")
    assert nbformat.writes(nbformat.reads(text, as_version=4)) + "\n" == text
    assert json.loads(text)["cells"][0]["cell_type"] == "markdown"
