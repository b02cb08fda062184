"""Extrait communes_population.parquet ; la provenance et les limites sont dans SOURCE.md."""

import json
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from ssphub_book.extraction import npm_package, run

PAQUET = "@etalab/decoupage-administratif"
EMPREINTES = {
    "1.1.1": "db6e7c433ee675de314aa19bfc4faf796451342960ed2c1b42fda0f458a97e23",
    "3.1.1": "225079c8cd185379fd494993e99fe712523e2f16e4a1170d8391a76a304e7073",
    "4.1.0": "318f0cfc0c1f9d8113b272bf3cefb8f207f23f73026ee5932215f5d80d7a0f2a",
    "6.0.0": "c189ffd5b33fe40c2f19e1a923ce557f190622f39228745d3195d746dfe00c4a",
}
# Le fichier des EPCI d'une version porte les populations de l'année qui précède celles du fichier
# des communes : quatre versions du paquet donnent ainsi six années.
SOURCES = {
    2018: ("1.1.1", "epci"),
    2019: ("1.1.1", "communes"),
    2020: ("3.1.1", "communes"),
    2021: ("4.1.0", "epci"),
    2022: ("4.1.0", "communes"),
    2023: ("6.0.0", "communes"),
}


def lire_version(version: str) -> dict[str, list[dict]]:
    with npm_package(PAQUET, version, EMPREINTES[version]) as dossier:
        noms = ["communes", "departements", "regions", "epci"]
        return {nom: json.loads((dossier / f"data/{nom}.json").read_text("utf-8")) for nom in noms}


def populations(fichiers: dict[str, list[dict]], fichier: str) -> dict[str, int]:
    """La population municipale par code de commune, telle que la version la donne."""
    if fichier == "epci":
        membres = [membre for epci in fichiers["epci"] for membre in epci["membres"]]
        return {membre["code"]: membre["populationMunicipale"] for membre in membres}
    return {
        commune["code"]: commune["population"]
        for commune in fichiers["communes"]
        if commune["type"] == "commune-actuelle" and "population" in commune
    }


def ramener_a_2026(brute: dict[str, int], actuelles: list[dict], anciennes: list[dict]) -> dict[str, int]:
    """Additionne les communes fusionnées depuis ; écarte celles qui ont été séparées depuis."""
    serie = {}
    for commune in actuelles:
        codes = {commune["code"], *commune.get("anciensCodes", [])}
        presents = [brute[code] for code in codes if code in brute]
        if presents:
            serie[commune["code"]] = sum(presents)
    # Une commune rétablie depuis était comptée dans son chef-lieu, qui n'est donc pas comparable.
    chefs_lieux = {commune["code"]: commune.get("chefLieu") for commune in anciennes}
    for commune in actuelles:
        if commune["code"] not in serie:
            serie.pop(chefs_lieux.get(commune["code"]), None)
    return serie


def extraire() -> pd.DataFrame:
    versions = {version: lire_version(version) for version in EMPREINTES}
    cog = versions["6.0.0"]
    actuelles = [commune for commune in cog["communes"] if commune["type"] == "commune-actuelle"]
    noms_departements = {ligne["code"]: ligne["nom"] for ligne in cog["departements"]}
    noms_regions = {ligne["code"]: ligne["nom"] for ligne in cog["regions"]}
    epci = {membre["code"]: ligne for ligne in cog["epci"] for membre in ligne["membres"]}
    table = pd.DataFrame(
        {
            "code_commune": commune["code"],
            "commune": commune["nom"],
            "code_departement": commune["departement"],
            "departement": noms_departements[commune["departement"]],
            "code_region": commune["region"],
            "region": noms_regions[commune["region"]],
            "zone": commune["zone"],
            "code_epci": epci.get(commune["code"], {}).get("code"),
            "epci": epci.get(commune["code"], {}).get("nom"),
            "nature_epci": epci.get(commune["code"], {}).get("type"),
        }
        for commune in actuelles
    )
    for annee, (version, fichier) in SOURCES.items():
        fichiers = versions[version]
        brute = populations(fichiers, fichier)
        serie = ramener_a_2026(brute, actuelles, fichiers["communes"])
        table[f"population_{annee}"] = table["code_commune"].map(serie).astype("Int64")
    return table.sort_values("code_commune")


if __name__ == "__main__":
    run(extraire, __file__)
