"""Ce que le chapitre « Mettre une analyse en conteneur » ne montre pas : trouver Podman ou Docker.

Le chapitre écrit ses commandes pour Podman. `Atelier` cherche un moteur qui lance vraiment un
conteneur, lui charge les images de base préparées à l'installation du livre, joue les commandes dans
les mots de ce moteur, et retire à la fin tout ce qu'il a créé.
"""

import atexit
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
import time
import uuid
from collections import namedtuple
from functools import partial
from pathlib import Path

Resultat = namedtuple("Resultat", "code texte duree")

# Tout ce qui sépare les deux moteurs dans les commandes du chapitre.
POUR_DOCKER = {
    r"\bpodman\b": "docker",
    r"(docker (?:push|pull)\b.*?) --tls-verify=false": r"\1",
    r" --compression-format zstd": "",
    r"docker save --quiet": "docker save",
}
AVERTISSEMENT = re.compile(r"^time=.*level=warning.*\n?", re.MULTILINE)  # de Podman
NUMERO = re.compile(r"^#\d+ (?:\d+\.\d+ )?", re.MULTILINE)  # du journal de BuildKit : « #7 0.52 … »

PREPARER = {
    "podman": """
podman load --quiet --input "$CONTENEURS/images.tar"
for base in 3.11 3.11-slim; do podman tag localhost/ssphub-base:$base localhost/python:$base; done
""",
    "docker": """
exec 9< "$CONTENEURS/preparation.json"; flock 9  # une exécution à la fois emploie ces noms
trap 'docker rmi localhost/ssphub-base:3.11 localhost/ssphub-base:3.11-slim' EXIT
docker load --quiet --input "$CONTENEURS/images.tar"
for base in 3.11 3.11-slim; do
    echo "FROM localhost/ssphub-base:$base" \\
        | docker build --quiet --label "$MARQUE" --tag localhost/python:$base -
done
""",
}
ESSAI = """\
podman run --rm --network host --volume "$DONNEES":/donnees:ro --env PIP_INDEX_URL \\
    --env NO_PROXY --env no_proxy localhost/python:3.11-slim python -c 'import os, urllib.request
urllib.request.urlopen(os.environ["PIP_INDEX_URL"], timeout=10)
open("/donnees/communes_population.parquet")'
"""
RETIRER = {
    # Sans privilèges, seul podman peut effacer ses fichiers ; avec, il laisse un montage.
    "podman": "podman unshare rm -rf ../images; umount ../images/overlay",
    "docker": """
docker ps --all --quiet --filter label="$MARQUE" | xargs -r docker rm --force
docker images --all --quiet --filter label="$MARQUE" | sort -u | xargs -r docker rmi --force
""",
}
LISTER_CACHE = "docker system df -v --format '{{range .BuildCache}}{{println .ID}}{{end}}'"
CACHE = re.compile(r"\b[a-z0-9]{25}\b")


class Miroir(http.server.SimpleHTTPRequestHandler):
    """Le dépôt de paquets local, dont le journal n'intéresse pas la page."""

    def log_message(self, *_):
        """Ne rien écrire."""


class Atelier:
    """Le moteur trouvé (`moteur`, vide s'il n'y en a pas, et alors `raison` dit pourquoi) et ses outils."""

    preparer = PREPARER

    def __init__(self, travail: Path, donnees: Path):
        self.travail, self.projet = travail, travail / "projet"
        self.conteneurs = Path(os.environ.get("SSPHUB_CONTENEURS", "../../_build/conteneurs")).resolve()
        self.processus = []
        self.prefixe = ""  # avec Docker, tient nos images à l'écart des vôtres ; l'affichage l'omet
        self.cache_avant = set()
        self.environnement = os.environ | self._variables(donnees)
        atexit.register(self.nettoyer)
        self.moteur, self.raison = self._chercher()

    def _variables(self, donnees: Path) -> dict[str, str]:
        miroir = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Miroir, directory=self.conteneurs))
        threading.Thread(target=miroir.serve_forever, daemon=True).start()
        return {
            "DONNEES": str(donnees),
            "RESULTATS": str(self.travail / "resultats"),
            "PIP_INDEX_URL": f"http://127.0.0.1:{miroir.server_port}/simple",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "CONTENEURS": str(self.conteneurs),
            "MARQUE": f"ssphub.execution={uuid.uuid4().hex}",
            # Docker : construire avec BuildKit, seul à savoir monter un secret, et tout dire.
            "DOCKER_BUILDKIT": "1",
            "BUILDKIT_PROGRESS": "plain",
            "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
        }

    def _chercher(self) -> tuple[str, str]:
        """Le moteur, ou la raison pour laquelle il n'y en a pas : un conteneur doit démarrer."""
        etat = self.conteneurs / "preparation.json"
        self.moteur = json.loads(etat.read_text()).get("moteur", "") if etat.exists() else ""
        if not self.moteur:
            return "", "ni Podman ni Docker n'a démarré de conteneur à l'installation du livre."
        if self.moteur == "podman":
            self._ranger_a_l_ecart()
        else:
            self.prefixe = f"ssphub-{uuid.uuid4().hex[:8]}/"
            self.cache_avant = set(CACHE.findall(self.lancer(LISTER_CACHE).texte))
        essais = [self.lancer(f"set -e{self.preparer[self.moteur]}"), self.lancer(ESSAI)]
        dit = " ".join(essai.texte.strip()[-200:] for essai in essais if essai.code)
        if not dit:
            return self.moteur, ""
        self._retirer()
        return "", f"{self.moteur} ne suffit pas au chapitre ({dit})."

    def _ranger_a_l_ecart(self) -> None:
        """Podman garde les images du chapitre dans le dossier de travail, à l'écart des vôtres."""
        self.environnement["CONTAINERS_STORAGE_CONF"] = str(self.travail / "storage.conf")
        if (self.conteneurs / "containers.conf").exists():
            self.environnement["CONTAINERS_CONF"] = str(self.conteneurs / "containers.conf")
        reglages = (self.conteneurs / "storage.conf").read_text().replace("@DOSSIER@", str(self.travail))
        (self.travail / "storage.conf").write_text(reglages)

    def adapter(self, texte: str) -> str:
        """La commande dans les mots du moteur trouvé."""
        for motif, remplacement in POUR_DOCKER.items() if self.moteur == "docker" else ():
            texte = re.sub(motif, remplacement, texte)
        return texte

    def deposer(self, nom: str, texte: str) -> None:
        """Écrit un Dockerfile dans le dossier du projet."""
        (self.projet / nom).write_text(texte.replace("localhost/python", f"localhost/{self.prefixe}python"))

    def lancer(self, commande: str, a_part: bool = False) -> Resultat:
        """Joue une commande du shell sans rien afficher ; rend son code, son texte et sa durée.

        `a_part` : dans une session à elle, qui survit à l'arrêt du noyau.
        """
        reelle = re.sub("localhost/(?!ssphub)", f"localhost/{self.prefixe}", self.adapter(commande))
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        options["start_new_session"] = a_part
        shell = {"shell": True, "executable": "/bin/bash", "cwd": self.projet, "env": self.environnement}
        debut = time.perf_counter()
        fini = subprocess.run(reelle, errors="replace", check=False, **shell, **options)
        texte = AVERTISSEMENT.sub("", fini.stdout.replace(self.prefixe, ""))
        return Resultat(fini.returncode, texte, time.perf_counter() - debut)

    def executer(self, script: str, garder: str = ".", programmes=()) -> list[Resultat]:
        """Joue des commandes comme dans un terminal : chacune après un `$`, puis ses lignes utiles."""
        absents = [nom for nom in programmes if not shutil.which(nom)]
        if not self.moteur or absents:
            print("Non exécuté ici :", self.raison or f"installez {' et '.join(absents)}.")
            return []
        suite = []
        for commande in re.split(r"(?<!\\)\n", script.strip()):
            print("$", self.adapter(commande))
            suite.append(self.lancer(commande))
            if suite[-1].code:
                raise RuntimeError(suite[-1].texte)
            lignes = NUMERO.sub("", suite[-1].texte).splitlines()
            for ligne in filter(re.compile(garder).search, lignes):
                if not re.fullmatch(r"\s*|(sha256:)?[0-9a-f]{64}", ligne):
                    print(re.sub(r"\b[0-9a-f]{11,64}\b|(?<=127\.0\.0\.1:)\d+", "…", ligne))
        return suite

    def _retirer(self) -> None:
        self.lancer(RETIRER.get(self.moteur, ""), a_part=True)
        if self.moteur != "docker":
            return
        if nouveau := set(CACHE.findall(self.lancer(LISTER_CACHE).texte)) - self.cache_avant:
            self.lancer(f"docker builder prune --force --filter id='{'|'.join(nouveau)}'", a_part=True)

    def nettoyer(self) -> None:
        """Arrête les serveurs du chapitre et efface ce qu'il a créé."""
        while self.processus:
            self.processus.pop().terminate()
        if self.travail.exists():
            self._retirer()
            subprocess.Popen(["rm", "-rf", self.travail], start_new_session=True).wait()
