"""Extrait hobbies.parquet ; la provenance et les limites sont dans SOURCE.md."""

import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from ssphub_book.extraction import debian_file, read_r, run, translate

PAQUET = "r-cran-factominer"
VERSION = "2.7-1"
FICHIER = "usr/lib/R/site-library/FactoMineR/data/hobbies.rda"
EMPREINTE = "6ed2579e237a8252482f473611c4b174a76caa6f0369caaa8871c4168d3a808e"

ACTIVITES = {
    "Reading": "lecture",
    "Listening music": "ecoute_musique",
    "Cinema": "cinema",
    "Show": "spectacle",
    "Exhibition": "exposition",
    "Computer": "ordinateur",
    "Sport": "sport",
    "Walking": "marche",
    "Travelling": "voyage",
    "Playing music": "pratique_musique",
    "Collecting": "collection",
    "Volunteering": "benevolat",
    "Mechanic": "bricolage",
    "Gardening": "jardinage",
    "Knitting": "tricot",
    "Cooking": "cuisine",
    "Fishing": "peche",
    "TV": "television",
}
SEXES = {"F": "Femme", "M": "Homme"}
AGES = {
    "[15,25]": "15-25 ans",
    "(25,35]": "26-35 ans",
    "(35,45]": "36-45 ans",
    "(45,55]": "46-55 ans",
    "(55,65]": "56-65 ans",
    "(65,75]": "66-75 ans",
    "(75,85]": "76-85 ans",
    "(85,100]": "86-100 ans",
}
ETATS = {
    "Single": "Célibataire",
    "Married": "Marié",
    "Remarried": "Remarié",
    "Divorcee": "Divorcé",
    "Widower": "Veuf",
}
PROFESSIONS = {
    "Unskilled worker": "Ouvrier non qualifié",
    "Manual labourer": "Ouvrier qualifié",
    "Employee": "Employé",
    "Foreman": "Agent de maîtrise",
    "Technician": "Technicien",
    "Management": "Cadre",
    "Other": "Autre",
}


def extraire() -> pd.DataFrame:
    with debian_file(PAQUET, VERSION, FICHIER, EMPREINTE) as chemin:
        source = read_r(chemin)["hobbies"]
    table = pd.DataFrame({nom: source[code].astype("int64") for code, nom in ACTIVITES.items()})
    table["sexe"] = translate(source["Sex"], SEXES)
    table["age"] = translate(source["Age"], AGES)
    table["etat_matrimonial"] = translate(source["Marital status"], ETATS)
    table["profession"] = translate(source["Profession"], PROFESSIONS)
    table["nb_activites"] = source["nb.activitees"].astype("int64")
    return table


if __name__ == "__main__":
    run(extraire, __file__)
