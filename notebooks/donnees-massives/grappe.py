"""Une grappe Spark autonome sur la boucle locale : la plomberie du chapitre « spark-en-grappe ».

Le chapitre montre les commandes ; ce module choisit les ports, attend que les services répondent, lit
le journal d'une application et arrête tout. Chaque service est un processus fils du notebook et
n'écoute que sur 127.0.0.1.
"""

import atexit
import ctypes
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pandas as pd
import psutil

PATIENCE = 240  # secondes : une machine chargée démarre lentement une machine virtuelle Java
JVM_PRESSEE = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"  # démarre vite, convient à un petit calcul


def manque() -> str:
    """Ce qui manque à cette machine pour une grappe (vide si tout y est)."""
    java = f"{os.environ['JAVA_HOME']}/bin/java" if "JAVA_HOME" in os.environ else "java"
    if shutil.which(java) is None:
        return "Java 17 ou 21"
    return "" if importlib.util.find_spec("grpc") else "les dépendances de pyspark[connect]"


def port_libre() -> int:
    """Un port libre de la boucle locale."""
    with socket.create_server(("127.0.0.1", 0)) as prise:
        return prise.getsockname()[1]


def _famille(processus: subprocess.Popen) -> list[psutil.Process]:
    try:
        parent = psutil.Process(processus.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _ligne(membre: psutil.Process) -> list[str]:
    """La commande d'un processus ; vide s'il vient de finir."""
    try:
        return membre.cmdline()
    except psutil.Error:
        return []


def _achever(famille: list[psutil.Process]) -> None:
    for membre in reversed(famille):
        try:
            membre.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            continue


def _mourir_avec_le_notebook() -> None:
    """Sous Linux, un service ne survit pas à un notebook interrompu sans ménagement."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Grappe:
    """Les processus d'une grappe, et le dossier où ils travaillent."""

    def __init__(self, reglages: dict[str, object]):
        from pyspark.find_spark_home import _find_spark_home

        self.spark = Path(_find_spark_home())
        self.dossier = Path(tempfile.mkdtemp(prefix="grappe-"))
        self.maitre = f"spark://127.0.0.1:{port_libre()}"
        self.page, self.interface, self.connect = port_libre(), port_libre(), port_libre()
        self.services: dict[str, subprocess.Popen] = {}
        self._connus: set[int] = set()
        for nom in ("conf", "journal"):
            (self.dossier / nom).mkdir()
        reglages = {
            "spark.master": self.maitre,
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.extraJavaOptions": JVM_PRESSEE,
            "spark.executor.extraJavaOptions": JVM_PRESSEE,
            "spark.eventLog.enabled": "true",
            "spark.eventLog.dir": (self.dossier / "journal").as_uri(),
            "spark.eventLog.compress": "false",
            "spark.eventLog.rolling.enabled": "false",
            "spark.sql.warehouse.dir": (self.dossier / "entrepot").as_uri(),
            # Une machine tuée ne revient pas ; d'origine, Spark la rappelle trois fois, à cinq secondes.
            "spark.shuffle.io.maxRetries": 1,
            "spark.shuffle.io.retryWait": "1s",
            "spark.ui.port": self.interface,
            "spark.ui.showConsoleProgress": "false",
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": self.connect,
            **reglages,
        }
        lignes = "".join(f"{cle} {valeur}\n" for cle, valeur in reglages.items())
        (self.dossier / "conf" / "spark-defaults.conf").write_text(lignes)
        atexit.register(self.arreter)

    def _environnement(self, commande: str) -> dict[str, str]:
        environnement = {
            **os.environ,
            "SPARK_CONF_DIR": str(self.dossier / "conf"),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LAUNCHER_OPTS": JVM_PRESSEE,
            "PYSPARK_PYTHON": sys.executable,
        }
        environnement.pop("PYSPARK_SUBMIT_ARGS", None)
        if commande == "spark-class":  # maître et ouvriers ne calculent pas : peu de mémoire suffit
            environnement |= {"SPARK_DAEMON_MEMORY": "256m", "SPARK_DAEMON_JAVA_OPTS": JVM_PRESSEE}
        return environnement

    def lancer(self, nom: str, commande: str, *arguments: object) -> None:
        """Démarre un service de Spark, fils de ce notebook."""
        ligne = [str(self.spark / "bin" / commande), *map(str, arguments)]
        with open(self.dossier / "services.log", "ab") as journal:
            self.services[nom] = subprocess.Popen(
                ligne,
                env=self._environnement(commande),
                cwd=self.dossier,
                stdout=journal,
                stderr=journal,
                preexec_fn=_mourir_avec_le_notebook,
            )

    def finir(self, nom: str) -> None:
        """Attend la fin d'un programme soumis ; montre la fin de son journal s'il a échoué."""
        try:
            code = self.services[nom].wait(PATIENCE)
        except subprocess.TimeoutExpired:
            code = "aucun, il tourne encore"
        if code != 0:
            raise RuntimeError(f"{nom}, code de retour : {code}\n{self._fin_du_journal()}")
        del self.services[nom]

    def _fin_du_journal(self) -> str:
        return (self.dossier / "services.log").read_text(errors="replace")[-2000:]

    def attendre(self, pret, *, services: bool = True):
        """Répète la question jusqu'à une réponse ; s'arrête si un service est mort entre-temps."""
        limite = time.monotonic() + PATIENCE
        while not (reponse := pret()):
            morts = [nom for nom, service in self.services.items() if service.poll() is not None]
            if (services and morts) or time.monotonic() > limite:
                raise RuntimeError(f"services arrêtés : {morts or 'aucun'}\n{self._fin_du_journal()}")
            time.sleep(0.1)
        return reponse

    @staticmethod
    def lire(adresse: str):
        """Ce que répond un service de la grappe (JSON) ; None s'il ne répond pas encore."""
        try:
            with urllib.request.urlopen(adresse, timeout=10) as reponse:
                return json.load(reponse)
        except (OSError, ValueError):
            return None

    def etat(self) -> dict:
        """Ce que le maître sait de la grappe."""
        return self.lire(f"http://127.0.0.1:{self.page}/json/") or {"aliveworkers": 0}

    def executeurs(self) -> pd.DataFrame:
        """Les exécuteurs de l'application en cours, d'après l'interface REST de son pilote."""
        base = f"http://127.0.0.1:{self.interface}/api/v1/applications"
        application = self.attendre(lambda: self.lire(base), services=False)[0]["id"]
        tous = pd.DataFrame(self.lire(f"{base}/{application}/allexecutors"))
        colonnes = {"isActive": "actif", "rddBlocks": "blocs", "completedTasks": "finies"}
        tous = tous[tous["id"] != "driver"].set_index("id").rename(columns=colonnes)
        return tous[list(colonnes.values())].sort_index()

    def ecoute(self, port: int) -> bool:
        """Quelqu'un écoute-t-il sur ce port ?"""
        with socket.socket() as prise:
            return prise.connect_ex(("127.0.0.1", port)) == 0

    def machines_java(self) -> pd.Series:
        """Nombre de machines virtuelles Java vivantes de la grappe, par classe principale."""
        lignes = []
        for service in self.services.values():
            for membre in _famille(service):
                self._connus.add(membre.pid)
                lignes.append(_ligne(membre))
        classes = [mot.split(".")[-1] for ligne in lignes for mot in ligne if _est_classe(mot)]
        return pd.Series(classes, dtype=object).value_counts()

    def executeur_de(self, nom: str) -> str:
        """Numéro de l'exécuteur que porte un ouvrier."""
        for membre in _famille(self.services[nom]):
            ligne = _ligne(membre)
            if "--executor-id" in ligne:
                return ligne[ligne.index("--executor-id") + 1]
        raise LookupError(f"{nom} ne porte pas d'exécuteur")

    def tuer(self, nom: str) -> None:
        """kill -9 d'un service et de ses enfants, comme une machine qui perd son alimentation."""
        service = self.services.pop(nom)
        famille = _famille(service)
        self._connus.update(membre.pid for membre in famille)
        _achever(famille)
        service.wait()

    def arreter(self) -> None:
        """Arrête tout et efface le dossier. Peut être rappelée sans dommage."""
        famille = [membre for service in self.services.values() for membre in _famille(service)]
        self._connus.update(membre.pid for membre in famille)
        _achever(famille)
        for service in self.services.values():
            service.wait()
        psutil.wait_procs(famille, timeout=20)
        self.services.clear()
        shutil.rmtree(self.dossier, ignore_errors=True)

    def survivants(self) -> list[int]:
        """Les processus de la grappe encore vivants : ceux qui ont servi, et ceux qui la nomment."""
        restes = []
        for processus in psutil.process_iter(["pid", "cmdline", "status"]):
            ligne = " ".join(processus.info["cmdline"] or [])
            nomme = self.maitre in ligne or str(self.dossier) in ligne
            connu = processus.info["pid"] in self._connus and "org.apache.spark" in ligne
            if (nomme or connu) and processus.info["status"] != psutil.STATUS_ZOMBIE:
                restes.append(processus.info["pid"])
        return restes

    def journal(self, rang: int = -1) -> list[dict]:
        """Le journal d'évènements d'une application, la dernière par défaut."""
        fichiers = sorted((self.dossier / "journal").glob("app-*"))
        evenements = []
        for ligne in fichiers[rang].read_text().splitlines():
            try:
                evenements.append(json.loads(ligne))
            except ValueError:  # dernière ligne, en cours d'écriture
                break
        return evenements


COLONNES = [
    "etape",
    "tache",
    "executeur",
    "issue",
    "lues",
    "recues",
    "envoyees",
    "octets",
    "deverses",
]
CLASSES = {"Master", "Worker", "SparkSubmit", "CoarseGrainedExecutorBackend"}


def _est_classe(mot: str) -> bool:
    return mot.startswith("org.apache.spark.") and mot.split(".")[-1] in CLASSES


def taches(evenements: list[dict]) -> pd.DataFrame:
    """Une ligne par tâche terminée, bien ou mal, d'après un journal d'évènements."""
    lignes = []
    for e in evenements:
        if e["Event"] != "SparkListenerTaskEnd":
            continue
        info, m = e["Task Info"], e.get("Task Metrics") or {}
        lu, ecrit = m.get("Shuffle Read Metrics", {}), m.get("Shuffle Write Metrics", {})
        lignes.append(
            {
                "etape": e["Stage ID"],
                "tache": info["Index"],
                "executeur": info["Executor ID"],
                "issue": e["Task End Reason"]["Reason"],
                "lues": m.get("Input Metrics", {}).get("Records Read", 0),
                "recues": lu.get("Total Records Read", 0),
                "envoyees": ecrit.get("Shuffle Records Written", 0),
                "octets": ecrit.get("Shuffle Bytes Written", 0),
                "deverses": m.get("Disk Bytes Spilled", 0),
            }
        )
    return pd.DataFrame(lignes, columns=COLONNES)


def releve(grappe: Grappe, action) -> tuple[object, pd.DataFrame]:
    """Exécute l'action ; rend sa réponse et les tâches qu'elle a coûtées, lues dans le journal."""
    debut = len(grappe.journal())
    reponse = action()

    def complet():
        nouveaux = grappe.journal()[debut:]
        genres = [e["Event"].rpartition(".")[2] for e in nouveaux]
        ouverts = genres.count("SparkListenerSQLExecutionStart")
        return nouveaux if 0 < ouverts == genres.count("SparkListenerSQLExecutionEnd") else None

    return reponse, taches(grappe.attendre(complet, services=False))
