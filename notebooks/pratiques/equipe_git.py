"""Ce que le chapitre « Git à plusieurs » ne montre pas : l'atelier où ses commandes s'exécutent.

`Atelier` crée un dossier temporaire, isole Git de la configuration du lecteur, remplace l'heure par une
horloge qui avance de cinq minutes par commande Git, et joue les commandes d'un terminal. Le chapitre
« Versionner son travail avec Git » montre et explique ces réglages, un à un.
"""

import atexit
import os
import shutil
import subprocess
import sys
from base64 import b64encode
from collections import namedtuple
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
from IPython.core.magic import register_cell_magic

Resultat = namedtuple("Resultat", "code texte")

TERMINAL = """git() {
    local minutes date
    read -r minutes < "$ATELIER/horloge"; echo $(( minutes += 5 )) > "$ATELIER/horloge"
    date="$(( 1772438400 + 60 * minutes )) +0100"
    GIT_AUTHOR_DATE="$date" GIT_COMMITTER_DATE="$date" command git "$@"
}
cloner() {  # dépôt de la forge, dossier, prénom et nom qui signeront les commits
    git -C "$1.git" clone --quiet "forge:$1.git" "../$2" 2> /dev/null
    git -C "$2" config user.name "$3"
    git -C "$2" config user.email "$(echo "$3" | tr 'A-Z ' 'a-z.')@exemple.fr"
}
"""
CONFIGURATION = """[user]
    name = Camille Martin
    email = camille.martin@exemple.fr
[init]
    defaultBranch = main
    templateDir =
[gc]
    auto = 0
[maintenance]
    auto = false
[advice]
    detachedHead = false
[url "../"]
    insteadOf = forge:
[core]
    abbrev = 7
    fsync = none
"""


class Atelier:
    """Un dossier temporaire, des dépôts, et un terminal qui ne connaît qu'eux."""

    def __init__(self, dossier: Path | None = None) -> None:
        self.dossier = dossier or Path(mkdtemp(prefix="equipe-"))
        atexit.register(self.fermer)  # même après une erreur
        (self.dossier / "horloge").write_text("0\n")
        (self.dossier / "terminal.sh").write_text(TERMINAL)
        (self.dossier / "gitconfig").write_text(CONFIGURATION)
        self.ecran = ""
        self.variables = {nom: valeur for nom, valeur in os.environ.items() if not nom.startswith("GIT_")} | {
            "ATELIER": str(self.dossier),
            "COMMUNES": str(self.dossier / "communes.json"),
            "BASH_ENV": str(self.dossier / "terminal.sh"),
            "GIT_CONFIG_GLOBAL": str(self.dossier / "gitconfig"),
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CEILING_DIRECTORIES": str(self.dossier),
            "GIT_PAGER": "cat",
            "GIT_EDITOR": "true",  # aucun éditeur ne s'ouvre
            "LC_ALL": "C.UTF-8",
            # Deux versions d'un programme écrites dans la même seconde se ressemblent trop pour le cache.
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }

        @register_cell_magic
        def bash(_, commandes):
            """Joue une cellule de commandes et en affiche la sortie d'un seul bloc."""
            resultat = self.jouer(commandes)
            self.ecran = resultat.texte
            print(resultat.texte, end="")
            if resultat.code:
                raise RuntimeError(f"la dernière commande rend le code {resultat.code}")

    def jouer(self, commandes: str, dossier: str = ".", *arguments: str, secondes: int = 0) -> Resultat:
        """Joue des commandes dans un dossier de l'atelier : leur code de retour et ce qu'elles affichent."""
        limite = ["timeout", str(secondes)] if secondes else []
        return self._lancer([*limite, "bash", "-c", commandes, "bash", *arguments], dossier, self.variables)

    def git(self, dossier: str, *arguments: str) -> str:
        """Rend ce qu'affiche une commande Git exécutée dans un dossier de l'atelier."""
        minutes = int((self.dossier / "horloge").read_text()) + 5
        (self.dossier / "horloge").write_text(f"{minutes}\n")
        date = f"{1772438400 + 60 * minutes} +0100"
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        resultat = self._lancer(["git", *arguments], dossier, self.variables | dates)
        if resultat.code:
            raise RuntimeError(resultat.texte)
        return resultat.texte.strip()

    def _lancer(self, commande: list[str], dossier: str, variables: dict[str, str]) -> Resultat:
        essai = subprocess.run(
            commande,
            cwd=self.dossier / dossier,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return Resultat(essai.returncode, essai.stdout)

    def fermer(self) -> None:
        """Efface l'atelier."""
        shutil.rmtree(self.dossier, ignore_errors=True)


def cite(texte: str) -> str:
    """Ce qu'affiche une commande, en une ligne : c'est la fin qui importe."""
    ligne = " ".join(texte.split())
    return f"le terminal affiche « {ligne[-160:]} »" if ligne else "le terminal n'affiche rien"


CONTROLE = """import csv
import os

attendus = {}
with open(os.environ["ATELIER"] + "/departements.csv", encoding="utf-8") as fichier:
    for ligne in csv.DictReader(fichier):
        attendus.setdefault(ligne["region"], set()).add(ligne["code_departement"])
with open("regions.txt", encoding="utf-8") as fichier:
    saisies = dict(ligne.strip().split(": ") for ligne in fichier)
raise SystemExit(any(set(codes.split()) != attendus[region] for region, codes in saisies.items()))
"""
LISTE_DES_DEPARTEMENTS = """
git init -q exercice-1 && cd exercice-1
: > liste.txt && git add . && git commit -qm "Commence la liste" && git tag debut
while IFS= read -r ligne; do
    echo "$ligne" >> liste.txt
    [ "${ligne%%;*}" != 31 ] || sed -i 's/^29;./29;1/' liste.txt
    git commit -qam "Ajoute le département ${ligne%%;*}"
done < ../departements.txt
"""
FICHIER_DE_TROP = """
git init -q exercice-2 && cd exercice-2
echo "Enquête fictive" > README.md && git add . && git commit -qm "Documente"
printf 'nom,revenu\\nfictif,1\\n' > individus.csv && git add . && git commit -qm "Ajoute les données"
git tag -a v1 -m "Première version"
git switch -qc essai && echo "print(1)" > essai.py && git add . && git commit -qm "Essaie"
git switch -q main && echo "print(2)" > calcul.py && git add . && git commit -qm "Calcule"
printf 'code\\n01\\n' > codes.csv && git add . && git commit -qm "Ajoute les codes"
"""
BRANCHES_A_POUSSER = """
git init -q --bare depot.git && git init -q clone && cd clone
git remote add origin ../depot.git
echo a > ancien.csv && git add . && git commit -qm "Départ" && git push -q origin main main:finie
ajoute() { git switch -qc $1 main && mkdir -p a/b && echo a > $2 && git add . && git commit -qm $1; }
ajoute code calcul.py; ajoute csv table.csv; ajoute parquet table.parquet; ajoute fond a/b/table.csv
ajoute nom lire_csv.py; ajoute trajet table.csv; git rm -q table.csv; git commit -qm "Retire"
mkdir ../depot.git/hooks
"""
POUSSER = """
cd clone && install -m 755 ../crochet ../depot.git/hooks/pre-receive
for nom in code csv parquet fond trajet nom :finie; do
    git push -q origin $nom > ../sortie 2>&1; echo "${nom#:} $? $(tr '\\n' ' ' < ../sortie)"
done
"""


def carnet(communes: pd.DataFrame, seuil: int, classes: int, sorties: bool) -> nbformat.NotebookNode:
    """Un notebook de deux cellules, avec la table et l'image que Jupyter y rangerait, ou sans elles."""
    sources = [
        f"SEUIL = {seuil}\npetites = communes[communes.population_2023 < SEUIL]\npetites.head(10)",
        f"CLASSES = {classes}\npetites.population_2023.hist(bins=CLASSES)",
    ]
    cellules = [
        nbformat.v4.new_code_cell(source, id=f"cellule-{rang}") for rang, source in enumerate(sources, 1)
    ]
    if sorties:
        petites = communes.loc[communes["population_2023"] < seuil, ["commune", "population_2023"]]
        fig, ax = plt.subplots(figsize=(4, 3))
        ax.hist(petites["population_2023"], bins=classes)
        fig.savefig(image := BytesIO(), format="png", metadata={"Software": None})
        plt.close(fig)
        table = {"text/html": petites.head(10).to_html()}
        produits = [table, {"image/png": b64encode(image.getvalue()).decode()}]
        for rang, (cellule, produit) in enumerate(zip(cellules, produits, strict=True), start=1):
            cellule["execution_count"] = rang
            cellule["outputs"] = [nbformat.v4.new_output("execute_result", produit, execution_count=rang)]
    return nbformat.v4.new_notebook(cells=cellules)


def preparer_regions(atelier: Atelier, communes: pd.DataFrame) -> None:
    """Écrit la liste à saisir des régions et de leurs départements, et le programme qui la contrôle."""
    france = communes[communes["zone"].isin(["metro", "drom"])]
    departements = france.groupby(["region", "code_departement"])["population_2023"].sum().reset_index()
    departements.to_csv(atelier.dossier / "departements.csv", index=False)
    par_region = departements.groupby("region")["code_departement"].agg(" ".join)
    texte = "".join(f"{region}: {codes}\n" for region, codes in par_region.items())
    (atelier.dossier / "regions.txt").write_text(texte, encoding="utf-8")
    (atelier.dossier / "controle.py").write_text(CONTROLE, encoding="utf-8")
    liste = departements.sort_values("code_departement").head(48)
    lignes = (f"{x.code_departement};{x.population_2023}\n" for x in liste.itertuples())
    (atelier.dossier / "departements.txt").write_text("".join(lignes), encoding="utf-8")


def preparer_exercice_1(atelier: Atelier) -> None:
    """Un dépôt où une liste s'allonge d'un département par commit, et où un chiffre change en route."""
    shutil.rmtree(atelier.dossier / "exercice-1", ignore_errors=True)
    atelier.jouer(LISTE_DES_DEPARTEMENTS)


def preparer_exercice_2(atelier: Atelier) -> None:
    """Un dépôt dont une branche, une étiquette et main gardent un fichier qui ne devait pas y entrer."""
    shutil.rmtree(atelier.dossier / "exercice-2", ignore_errors=True)
    atelier.jouer(FICHIER_DE_TROP)


def etat_de_l_exercice_2(atelier: Atelier, commandes: str) -> dict:
    """Joue des commandes dans une copie du dépôt, et dit où elles laissent ses références."""
    copie = atelier.dossier / "copie-2"
    shutil.rmtree(copie, ignore_errors=True)
    shutil.copytree(atelier.dossier / "exercice-2", copie)
    try:
        essai = atelier.jouer(commandes, "copie-2", secondes=30)
        etat = {"fini": essai.code != 124, "ecran": cite(essai.texte)}
        for reference in ("main", "essai", "v1"):
            lus = atelier.jouer(f"git log --format=%x3a --name-only {reference} --", "copie-2")
            lignes = [] if lus.code else lus.texte.split()
            etat[reference] = lignes.count(":")  # le nombre de commits
            etat[f"noms de {reference}"] = lignes
        etat["fichiers"] = atelier.jouer("git ls-tree -r --name-only main", "copie-2").texte.split()
        return etat
    finally:
        shutil.rmtree(copie, ignore_errors=True)


def poussees(atelier: Atelier, crochet: str) -> dict[str, tuple[bool, str]]:
    """Pousse sept fois vers un dépôt qui porte ce crochet : ce qui passe, et ce qui s'affiche."""
    modele, essai = atelier.dossier / "a-pousser", atelier.dossier / "poussees"
    if not modele.exists():
        modele.mkdir()
        atelier.jouer(BRANCHES_A_POUSSER, "a-pousser")
    shutil.rmtree(essai, ignore_errors=True)
    shutil.copytree(modele, essai)
    (essai / "crochet").write_text(crochet)
    try:
        lignes = atelier.jouer(POUSSER, "poussees", secondes=30).texte.splitlines()
        lus = [ligne.split(" ", 2) for ligne in lignes if ligne.count(" ") >= 2]
        return {nom: (code == "0", cite(texte)) for nom, code, texte in lus}
    finally:
        shutil.rmtree(essai, ignore_errors=True)
