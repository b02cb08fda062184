"""Ce que le chapitre sur Kubernetes ne montre pas : jouer un pod par Podman, et ne rien laisser.

`Pods` est l'`Atelier` du chapitre sur les conteneurs, réduit à Podman : Docker ne sait pas lire un
manifeste de Kubernetes. Les images, les volumes et les pods sont rangés dans le dossier de travail, à
l'écart des vôtres : tout retirer n'y touche que ce que le chapitre a créé.
"""

import os
import re
import subprocess
import time

from moteur_conteneurs import PREPARER, Atelier

# L'archive contient deux images ; ce chapitre n'emploie que la plus petite.
CHARGER = """
podman pull --quiet docker-archive:"$CONTENEURS/images.tar":localhost/ssphub-base:3.11-slim
podman tag localhost/ssphub-base:3.11-slim localhost/python:3.11-slim
"""
ESSAI = """
podman pod create --network none --name ssphub-essai && podman pod start ssphub-essai
sortie=$?; podman pod rm --force ssphub-essai; exit $sortie
"""
TOUT_RETIRER = """
podman pod rm --all --force --time 0; podman rm --all --force --time 0; podman volume rm --all --force
"""
VEILLE = """
while kill -0 {noyau} && [ -d {travail} ]; do sleep 1; done
[ -d {travail} ] || exit 0
for essai in 1 2 3; do {retirer}; done
podman unshare rm -rf {travail}/images; umount {travail}/images/overlay; rm -rf {travail}
"""
RELANCES = "podman inspect --format '{{.RestartCount}} {{.State.Status}}' "
PATIENCE, GUET = 20, 4  # secondes
ESSAIS = 5


class Pods(Atelier):
    """Un moteur qui joue des pods ; `moteur` est vide s'il n'y en a pas, et `raison` dit pourquoi."""

    preparer = PREPARER | {"podman": CHARGER}

    def _chercher(self) -> tuple[str, str]:
        moteur, raison = super()._chercher()
        if moteur == "docker":
            self._retirer()
            raison = "Docker ne joue pas les manifestes de Kubernetes ; il faut Podman."
        elif moteur:
            essai = self.lancer(ESSAI)
            if not essai.code:
                self._veiller()
                return moteur, ""
            self._retirer()
            raison = f"Podman ne démarre pas de pod ({essai.texte.strip()[-200:]})."
        self.moteur = ""
        return "", raison

    def _veiller(self) -> None:
        """Retire tout si le noyau est tué sans avoir pu nettoyer : les pods lui survivraient."""
        commande = VEILLE.format(noyau=os.getpid(), travail=self.travail, retirer=TOUT_RETIRER)
        muet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": self.environnement}
        veille = subprocess.Popen(["bash", "-c", commande], start_new_session=True, cwd="/", **muet)
        self.processus.append(veille)

    def jouer(self, manifeste: str) -> tuple[int, str]:
        """Joue un manifeste et note dans CONTENEUR le nom du premier conteneur ; rend code et message."""
        fichier = self.projet / manifeste
        fichier.write_text(re.sub(r"(?m)^ *ports:.*\n", "", fichier.read_text()))  # refusé sans réseau
        joue = self.lancer(f"podman play kube --network none {manifeste}")
        self.environnement["CONTENEUR"] = self.lancer(
            "podman ps --all --filter label=app --format '{{.Names}}' | grep -v infra | head -1"
        ).texte.strip()
        return joue.code, joue.texte

    def relances(self) -> int:
        """Combien de fois le conteneur a été relancé par sa politique de redémarrage."""
        lu = self.lancer(RELANCES + "$CONTENEUR")
        return int(lu.texte.split()[0]) if not lu.code else 0

    def attendre_relance(self, nombre: int) -> int:
        """Attend la relance demandée, en marche ; rend le nombre de relances comptées."""
        limite = time.monotonic() + PATIENCE
        while time.monotonic() < limite:
            lu = self.lancer(RELANCES + "$CONTENEUR")
            if not lu.code and lu.texte.split()[1] == "running" and int(lu.texte.split()[0]) >= nombre:
                break
            time.sleep(0.2)
        return self.relances()

    def guetter_relance(self) -> int:
        """Les relances comptées dès qu'il y en a une, ou zéro au bout de quelques secondes."""
        limite = time.monotonic() + GUET
        while not self.relances() and time.monotonic() < limite:
            time.sleep(0.5)
        return self.relances()

    def restes(self) -> list[str]:
        """Les pods, conteneurs et volumes encore là : une liste vide quand tout est retiré."""
        lister = "podman pod ps --quiet; podman ps --all --quiet; podman volume ls --quiet"
        return self.lancer(lister).texte.split() if self.moteur else []

    def vider(self) -> None:
        """Retire pods, conteneurs et volumes, en plusieurs essais si un conteneur est en pleine relance."""
        for _ in range(ESSAIS):
            self.lancer(TOUT_RETIRER, a_part=True)
            if not self.restes():
                return

    def nettoyer(self) -> None:
        """Arrête les pods, puis efface ce que le chapitre a créé."""
        if self.moteur and self.travail.exists():
            self.vider()
        super().nettoyer()
