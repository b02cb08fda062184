"""The page that writes each gesture in pandas, SQL and R: all three are run, and agree.

R and dplyr come from the system. Missing: a skip here, a failure in CI.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache

import duckdb
import pandas as pd
import pytest

from tests.conftest import ROOT

PAGE = ROOT / "book/annexes/memes-gestes.md"
DATA = ROOT / "notebooks/data/communes_population/communes_population.parquet"
FENCE = re.compile(r"```\{code-block\} (python|sql|r)\n:caption: \w+\n(.*?)```", re.DOTALL)
SORTED = {"Trier, et garder les premières"}  # gestures whose order is part of the result


def gestures() -> dict[str, dict[str, str]]:
    """The three writings of each gesture, by its title."""
    sections = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    pairs = zip(sections[::2], sections[1::2], strict=True)
    found = {title: dict(FENCE.findall(body)) for title, body in pairs}
    return {title: codes for title, codes in found.items() if codes and title != "Avant de commencer"}


GESTURES = gestures()


@cache
def communes() -> pd.DataFrame:
    return pd.read_parquet(DATA)


def by_pandas(code: str) -> pd.DataFrame:
    names: dict = {"pd": pd, "communes": communes().copy()}
    exec(compile(code, str(PAGE), "exec"), names)
    return names["resultat"]


def by_sql(code: str) -> pd.DataFrame:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE communes AS FROM '{DATA}'")
        return connection.execute(code).df()


@pytest.fixture(scope="module")
def by_r(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The results of R, all gestures in one process."""
    if shutil.which("Rscript") is None:
        message = "R est absent : apt-get install r-base-core r-cran-dplyr"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    folder = tmp_path_factory.mktemp("r")
    communes().to_csv(folder / "communes.csv", index=False)
    lines = [
        "suppressPackageStartupMessages(library(dplyr))",
        "communes <- read.csv('communes.csv', colClasses = c(code_commune = 'character',"
        " code_departement = 'character', code_region = 'character', code_epci = 'character'),"
        " na.strings = '', encoding = 'UTF-8')",
    ]
    for rank, codes in enumerate(GESTURES.values()):
        lines += [codes["r"], f"write.csv(resultat, '{rank}.csv', row.names = FALSE, na = '')"]
    (folder / "gestes.R").write_text("\n".join(lines), encoding="utf-8")
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    command = ["Rscript", "--vanilla", "gestes.R"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    codes = {column: "str" for column in communes().columns if column.startswith("code_")}
    return {
        title: pd.read_csv(folder / f"{rank}.csv", dtype=codes, keep_default_na=False, na_values=[""])
        for rank, title in enumerate(GESTURES)
    }


def plain(table: pd.DataFrame, in_order: bool) -> pd.DataFrame:
    """The table with plain types: numbers, texts, and one kind of missing value; rows in one order."""
    table = table.reset_index(drop=True).copy()
    for column in table.columns:
        numbers = pd.api.types.is_numeric_dtype(table[column])
        table[column] = table[column].astype("float64" if numbers else "object")
        if not numbers:
            table[column] = table[column].where(table[column].notna(), None)
    if in_order:
        return table
    return table.sort_values(list(table.columns), ignore_index=True)


def assert_same(one: pd.DataFrame, other: pd.DataFrame, in_order: bool) -> None:
    pd.testing.assert_frame_equal(
        plain(one, in_order), plain(other, in_order), rtol=1e-9, check_dtype=False, check_names=False
    )


def test_every_gesture_is_written_three_times():
    assert len(GESTURES) == 15
    assert all(set(codes) == {"python", "sql", "r"} for codes in GESTURES.values())
    assert set(GESTURES) >= SORTED


@pytest.mark.parametrize("title", GESTURES)
def test_pandas_and_sql_agree(title):
    codes = GESTURES[title]
    result = by_pandas(codes["python"])
    assert len(result) > 1
    assert_same(result, by_sql(codes["sql"]), title in SORTED)


@pytest.mark.parametrize("title", GESTURES)
def test_pandas_and_r_agree(title, by_r):
    assert_same(by_pandas(GESTURES[title]["python"]), by_r[title], title in SORTED)


def test_a_difference_is_seen():
    table = pd.DataFrame({"a": [1.0, None], "b": ["x", None]})
    assert_same(table, table.iloc[::-1], in_order=False)
    for other in (table.assign(a=[1.1, None]), table.assign(b=["x", "y"]), table.iloc[:1]):
        with pytest.raises(AssertionError):
            assert_same(table, other, in_order=False)
    with pytest.raises(AssertionError):
        assert_same(table, table.iloc[::-1], in_order=True)


# --- what the page says of missing values -----------------------------------------------------


def test_missing_values_in_a_filter():
    as_floats = communes()["population_2023"].astype("float64")
    assert (~(as_floats > 50_000)).sum() - (as_floats <= 50_000).sum() == as_floats.isna().sum() > 0
    kept = by_sql("SELECT * FROM communes WHERE NOT population_2023 > 50000")
    assert len(kept) == (as_floats <= 50_000).sum()


def test_missing_values_in_groups_and_cases():
    missing = communes()["nature_epci"].isna().sum()
    assert communes().groupby("nature_epci").size().sum() == len(communes()) - missing < len(communes())
    sql = "SELECT CASE WHEN population_2023 < 50000 THEN 'p' ELSE 'grande' END AS t FROM communes"
    sizes = by_sql(f"SELECT t, count(*) AS n FROM ({sql}) GROUP BY t").set_index("t")["n"]
    population = communes()["population_2023"].astype("float64")
    assert sizes["grande"] == (population >= 50_000).sum() + population.isna().sum()


def test_missing_keys_in_a_join():
    left, right = pd.DataFrame({"k": ["a", None]}), pd.DataFrame({"k": [None], "v": [1]})
    assert left.merge(right, on="k", how="left")["v"].tolist()[1] == 1
    with duckdb.connect() as connection:
        joined = connection.execute('SELECT v FROM "left" LEFT JOIN "right" USING (k)').fetchall()
        none_in_list = connection.execute('SELECT k FROM "left" WHERE k NOT IN (SELECT k FROM "right")')
        assert joined == [(None,), (None,)]
        assert none_in_list.fetchall() == []


def test_the_sum_of_missing_values():
    empty = communes().groupby("region")["population_2023"].agg(["count", "sum"])
    assert (empty.loc[empty["count"] == 0, "sum"] == 0).all() and (empty["count"] == 0).any()
    with_minimum = communes().groupby("region")["population_2023"].sum(min_count=1)
    assert with_minimum.isna().sum() == (empty["count"] == 0).sum()
    sql = "SELECT region, sum(population_2023) AS s FROM communes GROUP BY region"
    assert by_sql(sql)["s"].isna().sum() == (empty["count"] == 0).sum()


def test_unpivot_drops_missing_values_unless_told():
    sql = GESTURES["Passer en long"]["sql"]
    assert len(by_sql(sql.replace("INCLUDE NULLS ", ""))) < len(by_sql(sql))
