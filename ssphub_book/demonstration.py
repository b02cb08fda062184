"""What the template of a chapter says of a data set: the columns it compares, and what comes out."""

from __future__ import annotations

import json
import re
from math import ceil, log10
from pathlib import Path

import pandas as pd

NOT_A_MEASURE = re.compile(r"(id|code|num|numero|poids)(_|$)")
GROUPS = range(2, 13)  # how many groups a figure shows well
LEAST_VALUES = 10  # a measure has at least as many


class NothingToCompare(Exception):
    """A data set without two columns to compare; the message says it in French."""


def values(parquet: Path) -> dict[str, object]:
    """The columns that the template compares in this data set, and the results that it asserts.

    Raises NothingToCompare where the data set has no column to group by or nothing to average.
    """
    try:
        table = pd.read_parquet(parquet)
    except (OSError, ValueError) as error:
        raise NothingToCompare(
            f"{parquet.name} est illisible ou absent de {parquet.parent} : {error}"
        ) from None
    group = group_of(table)
    measure, derivation = measure_of(table, group)
    if group is None or measure is None:
        message = (
            f"{parquet.name} n'a pas les deux colonnes que compare le chapitre de départ : une qui range les "
            "lignes en deux à douze groupes, et une grandeur, ou un texte dont il mesure la longueur."
        )
        raise NothingToCompare(message)
    if derivation:
        table[measure] = table[derivation].str.len()
    kept = table.dropna(subset=[group, measure]).astype({measure: "float64"})
    groups = kept.groupby(group)[measure].agg(["size", "mean", "median"]).sort_values("mean")
    line = f'\ntable["{measure}"] = table["{derivation}"].str.len()' if derivation else ""
    return {"groupe": group, "mesure": measure, "derivation": line, **_results(kept[measure], groups)}


def _results(measured: pd.Series, groups: pd.DataFrame) -> dict[str, object]:
    means, overall = groups["mean"], float(measured.mean())
    naive = float(means.mean())
    decimals = min(4, max(0, 2 - ceil(log10(abs(naive - overall) or 1))))  # the gap keeps two digits

    def written(number: float) -> str:
        return f"{number:_.{decimals}f}".replace("_", "\u202f").replace(".", ",")

    return {
        "lignes": len(measured),
        "groupes": len(groups),
        "decimales": decimals,
        "bas": means.index[0],
        "haut": means.index[-1],
        "bas_python": _python(means.index[0]),
        "haut_python": _python(means.index[-1]),
        "moyenne_bas": written(means.iloc[0]),
        "moyenne_haut": written(means.iloc[-1]),
        "moyenne_ensemble": written(overall),
        "basse": f"{means.iloc[0]:.10g}",
        "haute": f"{means.iloc[-1]:.10g}",
        "medianes": f"{groups['median'].sum():.10g}",
        "ensemble": f"{overall:.10g}",
        "naive": f"{naive:.10g}",
        "etendue": f"{means.iloc[-1] - means.iloc[0]:.10g}",
    }


def _python(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def group_of(table: pd.DataFrame) -> str | None:
    """The column to group by: labels rather than numbers, then the one that makes most groups."""
    for kind in ("str", "integer"):
        columns = [c for c in table.select_dtypes(kind) if not NOT_A_MEASURE.match(c)]
        sizes = {column: table[column].nunique() for column in columns}
        usable = [column for column, size in sizes.items() if size in GROUPS]
        if usable:
            return max(usable, key=lambda column: sizes[column])
    return None


def measure_of(table: pd.DataFrame, group: str | None) -> tuple[str | None, str | None]:
    """(what to average, the text column whose length it is, if it is one).

    A quantity: no identifier, code or weight, no negative value, not mostly zeros, known in more than one
    group. Real numbers come before integers, then complete columns, then those of most values.
    """
    candidates = [
        column
        for column in table.select_dtypes("number")
        if column != group and not NOT_A_MEASURE.match(column) and table[column].nunique() >= LEAST_VALUES
    ]
    candidates = [column for column in candidates if table[column].min() >= 0 < table[column].median()]
    candidates = [column for column in candidates if _compares(table, group, column)]
    if candidates:
        reals = [column for column in candidates if pd.api.types.is_float_dtype(table[column])]
        best = min(reals or candidates, key=lambda c: (table[c].isna().sum(), -table[c].nunique()))
        return best, None
    names = [c for c in table.select_dtypes("str") if c != group and not NOT_A_MEASURE.match(c)]
    texts = {column: table[column].str.len().mean() for column in names}
    return ("nb_caracteres", max(texts, key=lambda c: texts[c])) if texts else (None, None)


def _compares(table: pd.DataFrame, group: str | None, measure: str) -> bool:
    """Whether more than one group has a value of the measure."""
    return group is None or table.loc[table[measure].notna(), group].nunique() > 1
