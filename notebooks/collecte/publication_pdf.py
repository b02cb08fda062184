"""Une publication en PDF, faite pour le chapitre : de vrais nombres, la mise en page d'un imprimé.

Les nombres sont ceux de `communes_population`. La mise en page reproduit ce que l'on rencontre dans les
publications : une cellule fusionnée par région, des milliers séparés par une espace fine, un vrai signe
moins, un appel de note collé au nombre, des lignes d'ensemble, un tableau coupé par le bas de page.
"""

import io
import textwrap

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

ANNEES = ["population_2018", "population_2023"]
ENTETE = ["Région", "Code", "Département", "2018", "2023", "Écart", "En %"]
LARGEUR, HAUTEUR = 8.27, 11.69  # une page A4, en pouces
ABSCISSES = [0.06, 0.25, 0.31, 0.64, 0.77, 0.88, 0.96]  # gauche des trois textes, droite des quatre nombres
INTERLIGNE = 0.175  # en pouces
LIGNES_PAR_PAGE = 55
LARGEUR_REGION = 17  # caractères : au-delà, le nom de la région passe à la ligne

Ligne = list[str]


def imprimer(valeur: float, decimales: int = 0) -> str:
    """Un nombre comme on l'imprime : espace fine insécable, virgule, signe moins."""
    ecrit = f"{valeur:,.{decimales}f}".replace(",", "\u202f").replace(".", ",")
    return ecrit.replace("-", "\u2212")


def composer(communes: pd.DataFrame) -> tuple[pd.DataFrame, list[Ligne]]:
    """Les populations par département métropolitain, et les lignes du tableau imprimé."""
    metro = communes[communes["zone"].eq("metro")]
    incomplets = set(metro.loc[metro[ANNEES].isna().any(axis=1), "code_departement"])
    cles = ["region", "code_departement", "departement"]
    vrai = metro.dropna(subset=ANNEES).groupby(cles)[ANNEES].sum().astype("int64").reset_index()
    lignes = []
    for region, groupe in vrai.groupby("region"):
        nom = textwrap.wrap(region, LARGEUR_REGION)
        for rang, (_, ligne) in enumerate(groupe.iterrows()):
            appel = "$^{1}$" if ligne["code_departement"] in incomplets else ""
            debut = [nom[rang] if rang < len(nom) else "", ligne["code_departement"], ligne["departement"]]
            lignes.append([*debut, *_nombres(*ligne[ANNEES], appel)])
        lignes.append(["", "", "Ensemble de la région", *_nombres(*groupe[ANNEES].sum())])
    return vrai, lignes


def _nombres(avant: int, apres: int, appel: str = "") -> Ligne:
    ecart = apres - avant
    populations = [imprimer(avant) + appel, imprimer(apres) + appel]
    return [*populations, imprimer(ecart), imprimer(100 * ecart / avant, 1)]


def dessiner(lignes: list[Ligne], titre: str, hauteur: float = HAUTEUR) -> Figure:
    """Une page du tableau ; une page plus courte sert à la montrer dans le chapitre."""
    figure = plt.figure(figsize=(LARGEUR, hauteur), layout="none")
    figure.add_axes((0, 0, 1, 1)).set_axis_off()  # une feuille, sur laquelle les textes sont posés
    haut = hauteur - 0.5

    def ecrire(ordonnee: float, cellules: Ligne, **style: str) -> None:
        for rang, (abscisse, texte) in enumerate(zip(ABSCISSES, cellules, strict=True)):
            cote = "left" if rang < 3 else "right"
            figure.text(abscisse, ordonnee / hauteur, texte, ha=cote, size=8, family="DejaVu Sans", **style)

    figure.text(ABSCISSES[0], haut / hauteur, titre, size=10, family="DejaVu Sans")
    ecrire(haut - 0.35, ENTETE, weight="bold")
    for rang, ligne in enumerate(lignes):
        gras = {"weight": "bold"} if ligne[2].startswith("Ensemble") else {}
        ecrire(haut - 0.55 - INTERLIGNE * rang, ligne, **gras)
    note = "1. Sans les communes dont la population manque en 2018 ou en 2023."
    figure.text(ABSCISSES[0], 0.25 / hauteur, note, size=7, family="DejaVu Sans")
    return figure


def publier(lignes: list[Ligne], en_image: bool = False) -> io.BytesIO:
    """Le document PDF ; `en_image` : chaque page n'est plus qu'une photographie, comme un papier numérisé."""
    fichier = io.BytesIO()
    pages = [lignes[debut : debut + LIGNES_PAR_PAGE] for debut in range(0, len(lignes), LIGNES_PAR_PAGE)]
    # Le style ordinaire de Matplotlib : celui du livre rogne les marges, et la page ne serait plus un A4.
    with plt.style.context("default"), PdfPages(fichier, metadata={"CreationDate": None}) as document:
        for numero, contenu in enumerate(pages, 1):
            titre = f"Population municipale par département (page {numero} sur {len(pages)})"
            figure = dessiner(contenu, titre)
            if en_image:
                figure = _photographier(figure)
            document.savefig(figure)
            plt.close(figure)
    return fichier


def _photographier(figure: Figure) -> Figure:
    figure.set_dpi(60)
    figure.canvas.draw()
    points = figure.canvas.buffer_rgba()
    plt.close(figure)
    photo = plt.figure(figsize=(LARGEUR, HAUTEUR))
    photo.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[]).imshow(points)
    return photo
