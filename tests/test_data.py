"""The data sets: complete, described truthfully, without personal data, extractable again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely
import yaml

from tests.conftest import sample

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "notebooks" / "data"
NAMES = sorted(folder.name for folder in DATA.iterdir() if folder.is_dir())
KEYS = ["nom", "titre", "producteur", "licence", "paquet", "version", "date", "lignes", "colonnes"]
# Exit status of extract.py when the registry does not answer or its client is missing.
UNAVAILABLE = 69

PERSONAL_COLUMNS = re.compile(
    r"(^|_)(noms?|prenoms?|patronymes?|names?|firstname|lastname|surname|mails?|emails?|courriels?"
    r"|tel|telephones?|phones?|portables?|adresses?|nir|date_naissance)(_|$)"
)
PERSONAL_VALUES = re.compile(r"[\w.+-]+@[\w-]+\.\w+|(?<!\d)(?:\+33[ .]?|0)[1-9](?:[ .-]?\d\d){4}(?!\d)")


@cache
def source(name: str) -> tuple[dict, str]:
    """The front matter and the body of a SOURCE.md."""
    _, header, body = (DATA / name / "SOURCE.md").read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(header), body


@cache
def table(name: str) -> pd.DataFrame:
    return pd.read_parquet(DATA / name / f"{name}.parquet")


def test_there_are_data_sets() -> None:
    assert NAMES


def test_total_size() -> None:
    assert sum(file.stat().st_size for file in DATA.rglob("*.parquet")) < 25e6


@pytest.mark.parametrize("name", NAMES)
def test_three_files(name: str) -> None:
    files = {file.name for file in (DATA / name).iterdir() if file.name != "__pycache__"}
    assert files == {f"{name}.parquet", "SOURCE.md", "extract.py"}
    assert (DATA / name / f"{name}.parquet").stat().st_size < 3e6


@pytest.mark.parametrize("name", NAMES)
def test_source_is_complete_and_true(name: str) -> None:
    header, body = source(name)
    assert [key for key in KEYS if not header.get(key)] == [], "missing keys"
    assert header["nom"] == name
    written = pq.ParquetFile(DATA / name / f"{name}.parquet").metadata
    assert header["lignes"] == written.num_rows
    assert header["colonnes"] == written.num_columns
    assert body.strip().startswith(f"# {header['titre']}\n")

    # The package's version and every hash of the script are those that the page states.
    script = (DATA / name / "extract.py").read_text("utf-8")
    hashes = re.findall(r"\b[0-9a-f]{64}\b", script)
    assert hashes
    assert [digest for digest in hashes if digest not in body] == []
    versions = re.findall(r'^VERSION = "(.+)"|^    "([\d.]+)": "[0-9a-f]{64}"', script, re.M)
    assert versions
    assert re.split(r", | et ", str(header["version"])) == [a or b for a, b in versions]
    package = re.search(r'^PAQUET = "(.+)"', script, re.M)[1]
    assert re.fullmatch(re.escape(package) + r" \((npm|PyPI|Debian)\)", header["paquet"])


@pytest.mark.parametrize("name", NAMES)
def test_every_column_is_documented(name: str) -> None:
    section = source(name)[1].split("\n## Colonnes\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (texte|entier|réel|géométrie|octets) \| (.+) \|$", section, re.M)
    assert [column for column, _, _ in rows] == list(table(name).columns)
    for column, kind, _ in rows:
        dtype = table(name)[column].dtype
        is_kind = {
            "texte": pd.api.types.is_string_dtype,
            "entier": pd.api.types.is_integer_dtype,
            "réel": pd.api.types.is_float_dtype,
            "géométrie": pd.api.types.is_object_dtype,  # WKB
            "octets": pd.api.types.is_object_dtype,  # vectors of signed bytes
        }[kind]
        assert is_kind(dtype), f"{column} : {kind} est annoncé, {dtype} est écrit"


@pytest.mark.parametrize("name", NAMES)
def test_missing_values_are_missing(name: str) -> None:
    for column in table(name).select_dtypes("str"):
        values = table(name)[column].dropna()
        assert not values.isin(["", "nan", "NaN", "NA", "None", "<NA>", r"\N"]).any(), column
        assert (values == values.str.strip()).all(), column


@pytest.mark.parametrize("name", NAMES)
def test_no_personal_data(name: str) -> None:
    columns = list(table(name).columns)
    assert [column for column in columns if PERSONAL_COLUMNS.search(column.lower())] == []
    for column in table(name).select_dtypes("str"):
        found = table(name)[column].dropna().drop_duplicates()
        found = found[found.str.contains(PERSONAL_VALUES)]
        assert found.empty, f"{column} : {found.str.extract(PERSONAL_VALUES).head(3)}"


# Computed rather than copied: minutes long, and another processor may round otherwise.
COMPUTED = [name for name in NAMES if source(name)[0].get("comparaison") == "a_une_unite_pres"]
EXTRACTED = NAMES if os.environ.get("SSPHUB_WHOLE") else sorted(set(NAMES) - set(COMPUTED))


@pytest.mark.parametrize("name", sample(EXTRACTED, 1))
def test_extraction_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    script = DATA / name / "extract.py"
    run = subprocess.run(
        [sys.executable, script, "--output", tmp_path], capture_output=True, text=True, check=False
    )
    if run.returncode == UNAVAILABLE and os.environ.get("CI") != "true":
        pytest.skip(run.stderr.strip())
    assert run.returncode == 0, run.stderr
    again, kept = (folder / f"{name}.parquet" for folder in (tmp_path, DATA / name))
    if name in COMPUTED:
        assert_same_to_one_unit(pd.read_parquet(again), table(name), name)
        return
    pd.testing.assert_frame_equal(pd.read_parquet(again), table(name))
    assert again.read_bytes() == kept.read_bytes(), "same table, other bytes: another pyarrow?"


def assert_same_to_one_unit(again: pd.DataFrame, kept: pd.DataFrame, name: str) -> None:
    """The same table, but for one unit in the signed bytes of its vectors."""
    vectors = [column for column, values in kept.items() if isinstance(values.iloc[0], bytes)]
    assert vectors, f"{name} : aucune colonne de vecteurs"
    pd.testing.assert_frame_equal(again.drop(columns=vectors), kept.drop(columns=vectors))
    for column in vectors:
        new, old = (
            np.stack([np.frombuffer(vector, "int8") for vector in frame[column]]).astype(int)
            for frame in (again, kept)
        )
        assert np.abs(new - old).max() <= 1, column


# The totals that the chapters build on.


def test_communes_population() -> None:
    communes = table("communes_population")
    years = [f"population_{year}" for year in range(2018, 2024)]
    assert communes["code_commune"].is_unique
    assert communes["zone"].value_counts().to_dict() == {"metro": 34746, "drom": 129, "com": 94}
    complete = communes[communes["zone"] == "metro"].dropna(subset=years)
    assert len(complete) == 34732
    totals = [64_826_027, 65_078_628, 65_247_630, 65_486_893, 65_827_909, 66_147_484]
    assert complete[years].sum().tolist() == totals
    paris = communes.set_index("code_commune").loc["75056", years].tolist()
    assert paris == [2175601, 2165423, 2145906, 2133111, 2113705, 2103778]


def test_service_public() -> None:
    sheets = table("service_public")
    assert sheets["id"].is_unique
    assert sheets["theme"].nunique() == 10
    assert sheets["theme"].value_counts().iloc[[0, -1]].to_dict() == {
        "Travail": 663,
        "Loisirs": 108,
    }
    assert sheets["texte"].str.len().between(1, 1500).all()


def test_plongements_fiches() -> None:
    rows, sheets = table("plongements_fiches"), table("service_public")
    assert rows["id"].is_unique
    assert rows["nature"].value_counts().to_dict() == {"fiche": 2963, "titre": 198, "requête": 100}
    assert rows.loc[rows["nature"] == "fiche", "id"].tolist() == sheets["id"].tolist()
    queries = rows[rows["nature"] == "requête"]
    assert (queries["repond"].isna().sum(), queries["utile"].isna().sum()) == (21, 31)
    judged = queries[["repond", "utile"]].stack().dropna().str.split().explode()
    assert judged.isin(sheets["id"]).all()
    assert not judged.groupby(level=0).apply(lambda ids: ids.duplicated().any()).any()
    assert set(rows["vecteur"].map(len)) == {384}
    largest = [np.abs(np.frombuffer(vector, "int8").astype(int)).max() for vector in rows["vecteur"]]
    assert set(largest) == {127}


def test_mairies_31() -> None:
    halls, outlines = table("mairies_31"), table("contours")
    assert halls["code_commune"].is_unique and len(halls) == 586
    assert set(halls["code_commune"]) == set(outlines.loc[outlines["niveau"] == "commune", "code"])


def test_hobbies() -> None:
    people = table("hobbies")
    assert people.isna().sum()[lambda count: count > 0].to_dict() == {"profession": 1498}
    hobbies = people.loc[:, "lecture":"peche"]
    assert hobbies.isin([0, 1]).all(axis=None)
    assert (hobbies.sum(axis=1) + (people["television"] > 0)).equals(people["nb_activites"])


def test_elus_municipaux() -> None:
    elected = table("elus_municipaux")
    mayors = elected[elected["fonction"] == "Maire"]
    assert len(mayors) == 34742
    assert round((mayors["sexe"] == "Femme").mean(), 4) == 0.2288
    communes = table("communes_population")
    assert set(elected["code_commune"]) <= set(communes["code_commune"])
    assert set(elected["code_departement"]) <= set(communes["code_departement"])


def test_rec99() -> None:
    communes = table("rec99")
    assert communes["code_commune"].is_unique
    columns = ["population", "logements", "logements_vacants"]
    assert communes[columns].sum().tolist() == [460394, 197314, 10768]
    bins = [0, 100, 300, 1000, 10_000]
    strata = pd.cut(communes["logements"], bins, right=False, labels=False) + 1
    assert (strata == communes["strate"]).all()


def test_eusilc() -> None:
    people = table("eusilc")
    assert "SYNTHÉTIQUES" in source("eusilc")[0]["titre"]
    assert people["id_menage"].nunique() == 6000
    assert round(people["poids_personne"].sum()) == 8_182_222
    assert (people["salaire"].isna() == (people["age"] < 16)).all()


def test_contours() -> None:
    outlines = table("contours")
    assert outlines["niveau"].value_counts().to_dict() == {"commune": 586, "departement": 101}
    assert outlines["code"].is_unique
    shapes = shapely.from_wkb(outlines["contour"])
    assert shapely.is_valid(shapes).all()
    counties = codes_of("contours", "departement")
    assert counties == set(table("communes_population").query("zone != 'com'")["code_departement"])
    assert codes_of("contours", "commune") == {
        code for code in table("communes_population")["code_commune"] if code.startswith("31")
    }


def codes_of(name: str, level: str) -> set[str]:
    return set(table(name).query("niveau == @level")["code"])
