"""The rules on code and on the weight of outputs: what each one finds, and what it lets pass."""

from __future__ import annotations

import importlib
import inspect
import warnings

import pytest
from nbformat.v4 import new_output

from ssphub_book import chapters, contract
from ssphub_book.contract import drawing, outputs

HERE = "Un piège."
CELL = "```{code-cell} ipython3\n%s```"
MEASURE = ":tags: [mesure]\n"
HIDDEN = ":tags: [verification, remove-cell]\n"


@pytest.fixture
def found(small_book, small_chapter, edit):
    """`found(rule, *cells)`: lines of the cells, as they write them, where the rule finds something."""

    def find(rule: str, *cells: str) -> list[str]:
        written = "\n\n".join(CELL % f"{cell}\n" for cell in cells)
        edit(small_chapter, HERE, written)
        lines = small_chapter.read_text().splitlines()
        findings = contract.check_book(chapters.find(small_book), small_book)
        return [lines[f.line - 1].strip() for f in findings if f.rule == rule]

    return find


NETWORK = [
    'import requests\nrequests.get("https://example.org")',
    'import requests as r\nwith r.Session() as s:\n    s.post(url="http://example.org/a")',
    'from urllib.request import urlopen\nurlopen(f"https://example.org/{page}")',
    'import pandas as pd\npd.read_csv("s3://seau/communes.csv")',
    'import pandas as pd\npd.read_csv("s3://seau/a", storage_options={"endpoint_url": "https://example.org"})',
    'import pandas as pd\npd.read_csv("s3://seau/a", storage_options={"endpoint_url": os.environ["DEPOT"]})',
    'import pandas as pd\npd.read_csv("https://example.org/a", storage_options={"endpoint": "http://localhost"})',
    'pd.read_csv("s3://seau/a", storage_options={"endpoint_url": "http://localhost", **acces})',
    'import polars as pl\npl.scan_parquet("https://example.org/communes.parquet")',
    "import duckdb\nduckdb.sql(\"SELECT * FROM 'https://example.org/a.parquet'\")",
    'import subprocess\nsubprocess.run(["curl", "-O", "https://example.org/a"])',
    'import os\nos.system("git clone https://example.org/depot.git")',
    "!wget https://example.org/a.csv",
    "!pip install pandas",
    "%pip install pandas",
    "fichiers = !curl https://example.org/liste",
    "%%bash\ncd depot && git push https://jeton@example.org/depot.git",
    "%%bash\ngit clone git@example.org:depot.git",
    "%%bash\npython -m pip install pandas",
    "%%bash\npodman pull docker.io/debian",
]
LOCAL = [
    'import requests\nrequests.get("http://localhost:8000/")',
    'import httpx\nhttpx.get(f"http://127.0.0.1:{port}/")',
    'from urllib.request import urlopen\nurlopen("http://[::1]:80/")',
    'print("https://example.org")',
    'adresses = {"a": 1}\nadresses.get("a")',
    'import pandas as pd\npd.read_csv("../data/petit/valeur.csv")',
    'import requests\nrequests.get(f"{serveur}/page")',
    'import polars as pl\npl.read_csv("s3://seau/a", storage_options={"aws_endpoint_url": "http://127.0.0.1:9000"})',
    'depot = "http://localhost:9000"\nacces = {"client_kwargs": {"endpoint_url": depot}}\n'
    'pd.read_csv("s3://seau/a", storage_options=acces)',
    'pl.scan_csv("s3://seau/a", storage_options={"endpoint_url": f"http://127.0.0.1:{port}"})',
    "%%bash\n# curl https://example.org\ncurl -s http://127.0.0.1:8000/",
    "%%bash\ngit clone forge:depot.git && git push origin main",
    "%%bash\npip install --no-index --find-links paquets pandas",
    "%%bash\ncat > Dockerfile <<FIN\nRUN pip install pandas\nFIN",
    "%%writefile Dockerfile\nRUN pip install pandas",
]


@pytest.mark.parametrize("cell", NETWORK)
def test_a_call_of_the_network(found, cell):
    (line,) = found("reseau", cell)
    assert line == cell.splitlines()[-1].strip()


def test_an_address_kept_in_a_name(found):
    assert found("reseau", 'URL = "https://example.org/a.csv"', "import pandas as pd\npd.read_csv(URL)")


@pytest.mark.parametrize(
    "change",
    [
        'acces = {"endpoint_url": "https://example.org"}',
        'acces["endpoint_url"] = "https://example.org"',
        'acces.update(endpoint_url="https://example.org")',
        'acces |= {"endpoint_url": "https://example.org"}',
    ],
)
def test_options_that_change_say_nothing_of_the_machine_that_answers(found, change):
    here = 'acces = {"endpoint_url": "http://127.0.0.1:9000"}'
    read = 'pd.read_csv("s3://seau/a", storage_options=acces)'
    assert found("reseau", here, change, read) == [read]


@pytest.mark.parametrize("cell", LOCAL)
def test_what_stays_on_the_machine(found, cell):
    assert found("reseau", cell) == []


@pytest.mark.parametrize(
    "cell",
    [
        'open("/home/camille/a.csv")',
        'open(r"C:\\Etude\\a.csv")',
        'open("D:/etude/a.csv")',
        'open(f"/tmp/{valeur}.csv")',
        'open("~/a.csv")',
        "import os\nos.path.expanduser(chemin)",
        "from pathlib import Path\nPath.home()",
        "%%bash\ncp a.csv /tmp/a.csv",
        "!ls ~",
        '%%bash\nDOSSIER="/home/camille/etude"',
    ],
)
def test_an_absolute_path(found, cell):
    assert found("chemin-absolu", cell) == [cell.splitlines()[-1]]


@pytest.mark.parametrize(
    "cell",
    [
        'open("../data/petit/valeur.csv")',
        'open(f"{dossier}/tmp/a.csv")',
        "from tempfile import mkdtemp\nmkdtemp()",
        'print("https://example.org/home/page")',
        'modele = "y ~ x"',
        "%%bash\ngit reset HEAD~1 2> /dev/null",
        "%%bash\npodman run --rm image ls /tmp/jeton.txt",
        "%%bash\n# ls /tmp/a\nls donnees/tmp/",
    ],
)
def test_a_path_that_holds_anywhere(found, cell):
    assert found("chemin-absolu", cell) == []


UNSEEDED = [
    "import numpy as np\nnp.random.default_rng()",
    "import numpy as np\nnp.random.default_rng(None)",
    "from numpy.random import default_rng\ndefault_rng()",
    "import numpy as np\nnp.random.normal(size=3)",
    "import random\nrandom.shuffle(liste)",
    "import random\nrandom.seed()\nrandom.random()",
    "from random import choice\nchoice(liste)",
    "table.sample(10)",
    'table.groupby("a").sample(frac=0.1)',
    "table.sample(False, 0.1)",
    "table.randomSplit([0.8, 0.2])",
    "from scipy import stats\nstats.norm.rvs(size=3)",
    "from sklearn.model_selection import train_test_split\ntrain_test_split(x, y)",
    "from sklearn.model_selection import KFold\nKFold(5, shuffle=True)",
    "from sklearn.ensemble import RandomForestClassifier\nRandomForestClassifier(random_state=None)",
    'from sklearn.linear_model import LogisticRegression\nLogisticRegression(solver="saga")',
    "from sklearn import datasets\ndatasets.make_blobs()",
    "from pyspark.sql import functions as F\nF.rand()",
]
SEEDED = [
    "import numpy as np\nalea = np.random.default_rng(2024)\nalea.normal(size=3)",
    "import numpy as np\nnp.random.default_rng(seed=1)",
    "import numpy as np\nnp.random.seed(1)\nnp.random.normal(size=3)",
    "import random\nrandom.seed(1)\nrandom.shuffle(liste)",
    "import random\nalea = random.Random(1)\nalea.sample(liste, 2)",
    "random = valeur\nrandom.random()",
    "table.sample(10, random_state=1)",
    "table.sample(10, seed=1)",
    "table.sample(0.1, 42)",
    "table.sample(False, 0.1, 42)",
    "table.randomSplit([0.8, 0.2], 42)",
    "table.sample(10, **options)",
    "sample(10)",
    "from sklearn.model_selection import train_test_split\ntrain_test_split(x, shuffle=False)",
    "from sklearn.model_selection import KFold\nKFold(5)",
    "from sklearn.linear_model import LogisticRegression\nLogisticRegression()",
    "from sklearn.ensemble import RandomForestClassifier\nRandomForestClassifier(random_state=0)",
    "class RandomForestClassifier:\n    pass\n\n\nRandomForestClassifier()",
    "from pyspark.sql import functions as F\nF.rand(42)",
]


@pytest.mark.parametrize("cell", UNSEEDED)
def test_a_draw_without_a_seed(found, cell):
    assert found("graine", cell) == [cell.splitlines()[-1]]


@pytest.mark.parametrize("cell", SEEDED)
def test_a_draw_with_a_seed(found, cell):
    assert found("graine", cell) == []


def test_the_names_of_scikit_learn_are_all_known():
    """A new release may add an estimator that draws, or drop one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sklearn.utils import all_estimators

        drawing_ones = {n for n, c in all_estimators() if "random_state" in inspect.signature(c).parameters}
    known = drawing.DRAWS | drawing.DRAWS_WHEN.keys() | drawing.STEADY
    assert drawing_ones <= known
    importlib.import_module("sklearn.experimental.enable_iterative_imputer")
    places = ("model_selection", "inspection", "utils", "impute")
    modules = [importlib.import_module(f"sklearn.{place}") for place in places]
    others = known - drawing_ones
    assert [name for name in others if not any(hasattr(module, name) for module in modules)] == []


DATED = [
    "from datetime import datetime\ndatetime.now()",
    "import datetime as dt\nprint(dt.date.today())",
    'import pandas as pd\npd.Timestamp("now")',
    "import time\ndebut = time.time()\nprint(time.time() - debut)",
    "import time\ndebut = time.perf_counter()\nduree = time.perf_counter() - debut\nduree",
    "import time\ndurees = {}\ndurees[1] = time.perf_counter()\ndurees",
    'from datetime import date\nax.set_title(f"{date.today()}")',
    "%%time",
    "%time valeur",
    "!date",
    "%%bash\ndate +%Y",
]
STEADY = [
    "from datetime import date\ndate(2026, 1, 1)",
    "import time\ndebut = time.time()",
    "import time\ndebut = time.time()\ndebut = 3\ndebut",
    "import time\nduree = time.time()\nvaleur",
    "import time\ndurees = []\ndurees.append(time.time())\nvaleur",
    "import time\n\n\ndef chronometrer():\n    print(time.time())",
    "from datetime import datetime\nquand = datetime.now",
    "import pandas as pd\npd.Timestamp(2026, 1, 1)",
    "%%bash\nGIT_DATE=1\ndate -d @0",
    ":tags: [remove-output]\nfrom datetime import datetime\n\ndatetime.now()",
    f"{MEASURE}import time\n\nprint(time.time())",
    f"{HIDDEN}import time\n\nprint(time.time())",
]


@pytest.mark.parametrize("cell", DATED)
def test_a_time_that_the_page_would_show(found, cell):
    assert found("horloge", cell) == [cell.splitlines()[-1].strip()]


def test_a_time_kept_for_another_cell(found):
    assert found("horloge", "import time\ndebut = time.time()", "print(debut)") == ["print(debut)"]


@pytest.mark.parametrize(
    ("cells", "begins"),
    [
        (["import time\ntime.time()"], "la page montrerait"),
        (["import time\ndebut = time.time()", "print(debut)"], "par « debut », la page montrerait"),
        (
            ["import time\ndebut = time.time()", 'ecart = round(3 - debut)\nprint(f"{ecart} s")'],
            "par « ecart », la page montrerait",
        ),
        (
            ["import time\na = time.time()\nb = time.time()\nprint(valeur, b - a)"],
            "par « a », « b », la page montrerait",
        ),
    ],
)
def test_the_names_that_bring_a_time_to_the_page_are_said(small_book, small_chapter, edit, cells, begins):
    edit(small_chapter, HERE, "\n\n".join(CELL % f"{cell}\n" for cell in cells))
    findings = contract.check_book(chapters.find(small_book), small_book)
    (message,) = (f.message for f in findings if f.rule == "horloge")
    assert message.startswith(begins)


@pytest.mark.parametrize("cell", STEADY)
def test_a_time_that_the_page_does_not_show(found, cell):
    assert found("horloge", cell) == []


GLUE = "from myst_nb import glue\n\n"


@pytest.mark.parametrize(
    ("seen", "check", "cited", "fires"),
    [
        ("ecart = valeur - 1", 'glue("k", float(ecart))', "k", True),
        ("ecart = valeur - 1", 'glue("k", float(ecart))', "autre", False),
        ("ecart = valeur - 1", 'assert ecart == 1\nglue("k", ecart)', "k", False),
        ("ecart = valeur - 1", 'double = 2 * ecart\nassert double == 2\nglue("k", ecart)', "k", False),
        ("ecart = valeur - 1", 'assert ecart == 1\ndouble = 2 * ecart\nglue("k", double)', "k", False),
        ("ecart = valeur - 1", 'assert valeur == 2\nglue("k", ecart)', "k", True),
        ("ecart = valeur - 1", 'assert len([1])\nglue("k", len(ecart))', "k", True),
        ("ecart = {}", 'for nom in "kl":\n    glue(f"cle_{nom}", ecart[nom])', "cle_k", True),
        ("ecart = {}", 'assert ecart\nfor nom in "kl":\n    glue(f"cle_{nom}", ecart[nom])', "cle_k", False),
        (
            "import numpy as np\necart = 1",
            'np.testing.assert_allclose(ecart, 1)\nglue("k", ecart)',
            "k",
            False,
        ),
        ("ecart = 1", 'glue("k", 3)', "k", False),
        ("ecart = 1", 'glue(cle, globals()["ecart"])', "k", False),
    ],
)
def test_a_cited_result_rests_on_an_assertion(found, edit, small_chapter, seen, check, cited, fires):
    edit(small_chapter, "Un cas.", f"Voici {{glue:text}}`{cited}:.1f`.")
    lines = found("resultat-non-verifie", seen, f"{HIDDEN}{GLUE}{check}")
    assert bool(lines) is fires
    assert all(line.startswith("glue(") for line in lines)


@pytest.mark.parametrize(
    "cell",
    ["import os\nvaleur", "total = somme(valeur)", "if valeur == None:\n    pass", "valeur = ("],
)
def test_a_fault_that_ruff_knows(found, cell):
    assert len(found("style", cell)) >= 1


def test_a_fault_of_a_module_beside_the_chapter_is_told_at_its_line(small_book, small_chapter, edit):
    edit(small_chapter, "import sys\n", "import sys\n\nimport outils\n")
    (small_chapter.parent / "outils.py").write_text('"""Outils."""\n\nimport os\n', encoding="utf-8")
    found = contract.check_book(chapters.find(small_book), small_book)
    module = [finding for finding in found if finding.file == "notebooks/essais/outils.py"]
    assert [(finding.rule, finding.line) for finding in module] == [("style", 3)]


@pytest.mark.parametrize(
    "cell",
    ["!ls", "%%bash\nls | wc -l", "%time valeur", "fichiers = !ls\nfichiers", "sorted([valeur])"],
)
def test_magics_and_shown_values_are_no_fault(found, cell):
    assert found("style", cell) == []


def test_a_fault_bears_its_line_past_the_options(found):
    assert found("style", ":tags: [mesure]\nprint(valeur)\ntotal = somme(1)") == ["total = somme(1)"]


def test_a_solution_may_define_again_what_its_skeleton_did(found):
    skeleton, solution = ":tags: [exercice]\ndef f():\n    ...", "def f():\n    return 1"
    assert found("style", skeleton, f":tags: [solution]\n{solution}", "f()") == []


def test_a_function_defined_twice_for_nothing(found):
    assert found("style", "def f():\n    ...", "def f():\n    return 1", "f()") == ["def f():"]


def heavy(*given) -> set[str]:
    return {rule for rule, _, _ in outputs._heavy(list(given))}


def shown(**data: str):
    kinds = {"html": "text/html", "plain": "text/plain", "png": "image/png", "svg": "image/svg+xml"}
    return new_output("display_data", {kinds[kind]: text for kind, text in data.items()})


def test_the_weight_of_a_text():
    limit = outputs.LONGEST_OUTPUT
    assert heavy(new_output("stream", text="a" * (limit + 1))) == {"sortie-lourde"}
    assert heavy(new_output("stream", text="a" * limit)) == set()
    assert heavy(shown(plain="a" * (limit + 1))) == {"sortie-lourde"}
    assert heavy(shown(html="<p>a</p>", plain="a" * (limit + 1))) == set()  # the page shows the HTML


def test_the_weight_of_a_picture():
    base64 = outputs.LARGEST_IMAGE * 4 // 3
    assert heavy(shown(png="a" * (base64 + 8))) == {"image-lourde"}
    assert heavy(shown(png="a" * base64)) == set()
    assert heavy(shown(svg="a" * (outputs.LARGEST_IMAGE + 1))) == {"image-lourde"}
