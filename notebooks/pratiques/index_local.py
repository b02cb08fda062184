"""Un petit index de paquets, servi sur cette machine, pour jouer le rôle du registre public.

Le chapitre sur les environnements montre ce que deviennent des installations quand un paquet change.
Il lui faut un registre dont on choisit les paquets et les dates, et aucun réseau. Ce module le donne :

- `roue(nom, version, code, exige)` rend les octets d'un vrai paquet Python, au format {nom}-{version}.whl ;
- `Index` sert des paquets à l'adresse 127.0.0.1, par l'interface « simple » que pip et uv savent lire
  (PEP 503, 691 et 700) ; il ne montre que ce qui est publié à la date choisie par `index.jour` ;
- `Atelier` joue des commandes dans un dossier temporaire, à l'abri de la configuration de la machine.

Le module n'emploie que la bibliothèque standard, pip et uv.
"""

import atexit
import base64
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pip
import uv

DATE_DES_FICHIERS = (2026, 1, 1, 0, 0, 0)  # la même pour tous : l'archive ne dépend pas de l'horloge
SECONDES_PAR_COMMANDE = 120
GENRE = "Wheel-Version: 1.0\nGenerator: cahiers\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
RELAIS_DE_PIP = Path(pip.__file__).parent / "__pip-runner__.py"  # ce que pip relance, depuis la 22.3
JSON_SIMPLE = "application/vnd.pypi.simple.v1+json"


def roue(nom: str, version: str, code: str, exige: Iterable[str] = ()) -> bytes:
    """Les octets d'un paquet d'un seul module, installable par pip et par uv."""
    fiche = f"{nom}-{version}.dist-info"
    besoins = "".join(f"Requires-Dist: {besoin}\n" for besoin in exige)
    fichiers = {
        f"{nom}.py": code,
        f"{fiche}/METADATA": f"Metadata-Version: 2.1\nName: {nom}\nVersion: {version}\n{besoins}",
        f"{fiche}/WHEEL": GENRE,
    }
    lignes = [f"{chemin},{_empreinte(texte)},{len(texte.encode())}" for chemin, texte in fichiers.items()]
    fichiers[f"{fiche}/RECORD"] = "\n".join([*lignes, f"{fiche}/RECORD,,\n"])
    return _archiver(fichiers)


def alterer(octets: bytes, avant: str, apres: str) -> bytes:
    """La même roue, où un passage d'un programme en remplace un autre ; le reste est inchangé."""
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        fichiers = {nom: archive.read(nom).decode() for nom in archive.namelist()}
    return _archiver({nom: texte.replace(avant, apres) for nom, texte in fichiers.items()})


def _empreinte(texte: str) -> str:
    """L'empreinte d'un fichier, telle que la fiche RECORD d'une roue l'écrit."""
    condensat = hashlib.sha256(texte.encode()).digest()
    return f"sha256={base64.urlsafe_b64encode(condensat).rstrip(b'=').decode()}"


def _archiver(fichiers: dict[str, str]) -> bytes:
    """Une archive zip sans compression, dont les octets ne dépendent que de son contenu."""
    memoire = io.BytesIO()
    with zipfile.ZipFile(memoire, "w") as archive:
        for nom, texte in fichiers.items():
            fiche = zipfile.ZipInfo(nom, DATE_DES_FICHIERS)
            fiche.external_attr = 0o644 << 16
            archive.writestr(fiche, texte)
    return memoire.getvalue()


class Index:
    """Un registre de paquets : ce qui est publié, à quelle date, et ce qu'on en voit aujourd'hui."""

    def __init__(self, jour: str = "2026-01-15") -> None:
        self.jour = jour
        self.fichiers: dict[str, tuple[str, bytes]] = {}
        self._serveur = ThreadingHTTPServer(("127.0.0.1", 0), self._repondeur())
        self._fil = threading.Thread(target=self._serveur.serve_forever, kwargs={"poll_interval": 0.05})
        self._fil.daemon = True
        self._fil.start()
        self.adresse = f"http://127.0.0.1:{self._serveur.server_port}/simple"

    def publier(self, nom: str, version: str, jour: str, code: str, exige: Iterable[str] = ()) -> None:
        """Publie une version d'un paquet, à une date."""
        self.fichiers[f"{nom}-{version}-py3-none-any.whl"] = (jour, roue(nom, version, code, exige))

    def visibles(self) -> dict[str, tuple[str, bytes]]:
        """Les fichiers publiés au plus tard le jour courant."""
        return {nom: fichier for nom, fichier in self.fichiers.items() if fichier[0] <= self.jour}

    def fermer(self) -> None:
        """Arrête le serveur ; sans effet s'il l'est déjà."""
        if self.ferme:
            return
        self._serveur.shutdown()
        self._serveur.server_close()
        self._fil.join()

    @property
    def ferme(self) -> bool:
        """Vrai quand le serveur ne répond plus."""
        return not self._fil.is_alive()

    def _page(self, chemin: str) -> tuple[str, bytes] | None:
        """Le type et le contenu de ce qui est demandé ; None si l'index ne l'a pas."""
        morceaux = chemin.strip("/").split("/")
        visibles = self.visibles()
        if morceaux[0] == "simple" and len(morceaux) == 2:
            liens = [
                {
                    "filename": nom,
                    "url": f"/fichiers/{nom}",
                    "hashes": {"sha256": hashlib.sha256(octets).hexdigest()},
                    "upload-time": f"{jour}T08:00:00Z",
                    "size": len(octets),
                }
                for nom, (jour, octets) in visibles.items()
                if nom.split("-")[0] == morceaux[1]
            ]
            versions = [lien["filename"].split("-")[1] for lien in liens]
            page = {"meta": {"api-version": "1.1"}, "name": morceaux[1], "files": liens, "versions": versions}
            return (JSON_SIMPLE, json.dumps(page).encode()) if liens else None
        if morceaux[0] == "fichiers" and morceaux[-1] in visibles:
            return "application/zip", visibles[morceaux[-1]][1]
        return None

    def _repondeur(self) -> type[BaseHTTPRequestHandler]:
        index = self

        class Repondeur(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.do_GET()

            def do_GET(self) -> None:
                page = index._page(self.path)
                self.send_response(200 if page else 404)
                genre, contenu = page or ("text/plain", b"")
                self.send_header("Content-Type", genre)
                self.send_header("Content-Length", str(len(contenu)))
                self.send_header("Cache-Control", "no-store")  # le jour peut changer entre deux commandes
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(contenu)

            def log_message(self, *_: object) -> None:
                """Rien : un journal dépendrait du moment."""

        return Repondeur


@dataclass
class Resultat:
    """Ce qu'une commande a rendu : son code, et tout ce qu'elle a écrit."""

    code: int
    texte: str


class Atelier:
    """Un dossier temporaire où jouer des commandes, sans la configuration de la machine."""

    def __init__(self, index: Index) -> None:
        self.dossier = Path(tempfile.mkdtemp(prefix="environnements-")).resolve()
        atexit.register(self.fermer)  # même si une cellule échoue
        self.index = [index]
        outils = self.dossier / "outils"
        outils.mkdir()
        python = Path(sys.executable)
        # `pip --python X …` relance pip par X ; le lancer d'emblée par X épargne un démarrage de pip.
        for nom, appel in (
            ("pip", f'shift; X="$1"; shift; exec "$X" "{RELAIS_DE_PIP}" "$@"'),
            ("python", f'exec "{python}" "$@"'),
        ):
            (outils / nom).write_text(f"#!/bin/sh\n{appel}\n")
            (outils / nom).chmod(0o755)
        (outils / "uv").symlink_to(uv.find_uv_bin())
        muets = ("PIP_", "UV_", "PYTHON", "VIRTUAL_ENV", "CONDA")
        propres = {
            nom: valeur
            for nom, valeur in os.environ.items()
            if not nom.startswith(muets) and "proxy" not in nom.lower()
        }
        self.environnement = propres | {
            "PATH": f"{outils}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.dossier),
            "LC_ALL": "C.UTF-8",
            "NO_COLOR": "1",
            "COLUMNS": "400",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": index.adresse,
            "PIP_NO_CACHE_DIR": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "UV_NO_CONFIG": "1",
            "UV_DEFAULT_INDEX": index.adresse,
            "UV_CACHE_DIR": str(self.dossier / "cache"),
            "UV_PYTHON": getattr(sys, "_base_executable", sys.executable),
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_LINK_MODE": "copy",
            "UV_NO_PROGRESS": "1",
        }

    def lancer(self, commande: str, **variables: str) -> Resultat:
        """Joue une commande du shell dans le dossier de l'atelier, sans rien afficher."""
        fini = subprocess.run(
            commande,
            shell=True,
            cwd=self.dossier,
            env=self.environnement | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDES_PAR_COMMANDE,
            check=False,
        )
        return Resultat(fini.returncode, self._masquer(fini.stdout))

    def jouer(self, commandes: str, garder: str = ".", **variables: str) -> list[Resultat]:
        """Joue des commandes une à une ; affiche chacune après un « $ », puis les lignes à garder."""
        resultats = []
        for commande in commandes.strip().replace("\\\n", "").splitlines():
            resultat = self.lancer(commande, **variables)
            print(f"$ {' '.join(commande.split())}")
            for ligne in resultat.texte.splitlines():
                if re.search(garder, ligne):
                    print(ligne.rstrip())
            if resultat.code:
                print(f"(code de retour {resultat.code})")
            resultats.append(resultat)
        return resultats

    def _masquer(self, texte: str) -> str:
        """Retire ce qui dépend de la machine (ports, dossiers, durées) et abrège les empreintes."""
        texte = re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1…", texte)
        texte = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:…", texte).replace(str(self.dossier), "~")
        return re.sub(r" in (\d+m )?[\d.]+m?s\b", "", texte)

    def fermer(self) -> None:
        """Arrête les index et efface le dossier."""
        for index in self.index:
            index.fermer()
        shutil.rmtree(self.dossier, ignore_errors=True)
