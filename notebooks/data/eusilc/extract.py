"""Extrait eusilc.parquet ; la provenance et les limites sont dans SOURCE.md."""

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from ssphub_book.extraction import debian_file, read_r, run, translate

PAQUET = "r-cran-laeken"
VERSION = "0.5.2-1"
FICHIER = "usr/lib/R/site-library/laeken/data/eusilc.RData"
EMPREINTE = "8cc43785a7efb7906671c0acb11b993bd257b8706d6808d07dee155dbe7e8918"

ENTIERS = {"db030": "id_menage", "hsize": "taille_menage", "rb030": "id_personne", "age": "age"}
MONTANTS = {
    "py010n": "salaire",
    "py050n": "revenu_independant",
    "py090n": "chomage",
    "py100n": "retraite",
    "py110n": "reversion",
    "py120n": "maladie",
    "py130n": "invalidite",
    "py140n": "bourse",
    "hy040n": "loyers_recus",
    "hy050n": "prestations_familiales",
    "hy070n": "aide_logement",
    "hy080n": "transferts_recus",
    "hy090n": "revenus_capital",
    "hy110n": "revenus_enfants",
    "hy130n": "transferts_verses",
    "hy145n": "solde_impots",
}
REELS = {
    "eqSS": "unites_consommation",
    "eqIncome": "niveau_vie",
    "db090": "poids_menage",
    "rb050": "poids_personne",
}
REGIONS = {
    "Burgenland": "Burgenland",
    "Carinthia": "Carinthie",
    "Lower Austria": "Basse-Autriche",
    "Salzburg": "Salzbourg",
    "Styria": "Styrie",
    "Tyrol": "Tyrol",
    "Upper Austria": "Haute-Autriche",
    "Vienna": "Vienne",
    "Vorarlberg": "Vorarlberg",
}
SEXES = {"female": "Femme", "male": "Homme"}
SITUATIONS = {
    "1": "Emploi à temps plein",
    "2": "Emploi à temps partiel",
    "3": "Chômage",
    "4": "Études ou formation",
    "5": "Retraite",
    "6": "Invalidité ou autre inactivité",
    "7": "Au foyer",
}
NATIONALITES = {"AT": "Autriche", "EU": "Union européenne", "Other": "Autre"}


def extraire() -> pd.DataFrame:
    with debian_file(PAQUET, VERSION, FICHIER, EMPREINTE) as chemin:
        source = read_r(chemin)["eusilc"]
    table = pd.DataFrame({nom: source[code].astype("int64") for code, nom in ENTIERS.items()})
    table["region"] = translate(source["db040"], REGIONS)
    table["sexe"] = translate(source["rb090"], SEXES)
    table["situation"] = translate(source["pl030"], SITUATIONS)
    table["nationalite"] = translate(source["pb220a"], NATIONALITES)
    for code, nom in (MONTANTS | REELS).items():
        table[nom] = source[code] + 0.0  # le zéro négatif de R devient zéro
    return table


if __name__ == "__main__":
    run(extraire, __file__)
