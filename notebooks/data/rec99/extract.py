"""Extrait rec99.parquet ; la provenance et les limites sont dans SOURCE.md."""

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from ssphub_book.extraction import debian_file, read_r, run

PAQUET = "r-cran-sampling"
VERSION = "2.9-2"
FICHIER = "usr/lib/R/site-library/sampling/data/rec99.rda"
EMPREINTE = "120edb46f3c3c38c0d1cf98ee11ab0798cdda166934f46f1902c0c8bcb51fa74"


def extraire() -> pd.DataFrame:
    with debian_file(PAQUET, VERSION, FICHIER, EMPREINTE) as chemin:
        source = read_r(chemin)["rec99"]
    # Surface et coordonnées, qui viennent d'OpenStreetMap sous licence ODbL, ne sont pas reprises.
    table = pd.DataFrame(
        {
            "code_commune": source["CODE_N"].astype("str"),
            "commune": source["COMMUNE"].str.strip().astype("str"),
            "code_bassin_vie": source["BVQ_N"].astype("str"),
            "population": source["POPSDC99"].astype("int64"),
            "logements": source["LOG"].astype("int64"),
            "logements_vacants": source["LOGVAC"].astype("int64"),
            "strate": source["STRATLOG"].astype("int64"),
        }
    )
    return table.sort_values("code_commune")


if __name__ == "__main__":
    run(extraire, __file__)
