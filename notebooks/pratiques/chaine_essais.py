"""Lancer une chaîne de scripts et l'éprouver : ce dont se sert le chapitre « Refaire le même chiffre »."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ENVIRONNEMENT = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
INTERPRETE = [sys.executable, "-S"]  # plus vite sans les paquets installés, inutiles aux scripts
JOUR = 1_700_000_000  # la date donnée aux fichiers : aucune ne dépend de l'horloge


def chiffre(dossier: Path) -> float:
    """Le chiffre en place dans un projet."""
    return json.loads((dossier / "sortie/chiffre.json").read_text(encoding="utf-8"))


def enchainer(dossier: Path, *etapes: str, **variables: str) -> float:
    """Exécute des étapes l'une après l'autre, dans un processus à part, et rend le chiffre."""
    ordre = f"import runpy; [runpy.run_path(e + '.py') for e in {etapes!r}]"
    commande = [*INTERPRETE, "-c", ordre]
    subprocess.run(commande, cwd=dossier, env=ENVIRONNEMENT | variables, check=True)
    return chiffre(dossier)


def python(script: str, dossier: Path) -> list[str]:
    """Les lignes qu'affiche un script du projet."""
    commande = [*INTERPRETE, script]
    essai = subprocess.run(
        commande, cwd=dossier, env=ENVIRONNEMENT, capture_output=True, text=True, encoding="utf-8", check=True
    )
    return essai.stdout.splitlines()


def jouer(outil: str, dossier: Path) -> list[str] | None:
    """Lance doit ou make, et rend les étapes qu'il a exécutées ; rien s'il s'est arrêté sur une erreur."""
    doit = [sys.executable, "-m", "doit"]
    commande = doit if outil == "doit" else ["make", "sortie/figure.svg"]
    essai = subprocess.run(
        commande, cwd=dossier, env=ENVIRONNEMENT, capture_output=True, text=True, encoding="utf-8"
    )
    motif = r"^\.  (\w+)$" if outil == "doit" else r"(\w+)\.py$"
    return re.findall(motif, essai.stdout, re.MULTILINE) if essai.returncode == 0 else None


def copier(projet: Path, nom: str) -> Path:
    """Une copie du projet, à côté de lui, dates et base de doit comprises."""
    return Path(shutil.copytree(projet, projet.parent / nom))


def dater(fichier: Path, decalage: int) -> None:
    """Donne à un fichier une date fixe."""
    os.utime(fichier, (JOUR + decalage, JOUR + decalage))


def changer(fichier: str, ancien: str, nouveau: str, decalage: int = 1000) -> Callable[[Path], None]:
    """Un geste : récrit un passage d'un fichier, et lui donne une date."""

    def geste(dossier: Path) -> None:
        texte = (dossier / fichier).read_text(encoding="utf-8")
        assert ancien in texte, f"introuvable : {ancien}"
        (dossier / fichier).write_text(texte.replace(ancien, nouveau, 1), encoding="utf-8")
        dater(dossier / fichier, decalage)

    return geste


def declarees(dossier: Path, etapes: list[str]) -> dict[str, list[str]]:
    """Les dépendances que dodo.py déclare, étape par étape."""
    lecture = f"import dodo, json; print(json.dumps([getattr(dodo, 'task_' + e)() for e in {etapes!r}]))"
    lecture = lecture.replace("()", "()['file_dep']", 1)
    commande = [sys.executable, "-c", lecture]
    essai = subprocess.run(
        commande, cwd=dossier, env=ENVIRONNEMENT, capture_output=True, text=True, check=True
    )
    return dict(zip(etapes, json.loads(essai.stdout), strict=True))
