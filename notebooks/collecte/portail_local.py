"""Un portail de données sur cette machine : une vraie interface HTTP, dont on règle l'humeur.

Le portail écoute sur 127.0.0.1, à un port libre, le temps d'un bloc `with` : il s'arrête aussi quand
la cellule échoue. Il sert la table qu'on lui donne, par pages, en JSON ou en CSV. Il sait, à la demande,
tomber en panne, limiter le débit et recevoir des mises à jour entre deux pages, comme un vrai portail.
Tout ce qui est tiré au hasard l'est par une graine, et le temps des attentes est celui d'une `Horloge`
simulée : deux exécutions donnent les mêmes réponses, et la page n'attend pas.
"""

import csv
import hashlib
import io
import json
import math
import threading
from bisect import bisect_left, bisect_right, insort
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
from urllib3.util import Retry

PANNES = ("500", "503", "coupure", "tronquée")
_CONVERTIES = {}  # les tables déjà servies : un portail remplace ses lignes, il n'en modifie aucune


class Horloge:
    """Le temps, en secondes, que se partagent le portail et son client : il n'avance que si on l'avance."""

    def __init__(self):
        self.maintenant = 0.0

    def dormir(self, secondes):
        self.maintenant += secondes


def patience(horloge, **reglages):
    """Un `Retry` d'urllib3, avec ces réglages, dont les attentes passent sur l'horloge simulée."""

    class RetrySimule(Retry):
        def sleep(self, response=None):
            demandee = self.get_retry_after(response) if response else None
            obeit = self.respect_retry_after_header and demandee
            horloge.dormir(demandee if obeit else self.get_backoff_time())

    return RetrySimule(**reglages)


def _lignes(table):
    """Les lignes de la table, par code ; la même table n'est convertie qu'une fois."""
    if id(table) not in _CONVERTIES:
        noms, colonnes = [*table, "maj"], (table[nom].tolist() for nom in table)
        lignes = [dict(zip(noms, (*valeurs, 0), strict=True)) for valeurs in zip(*colonnes, strict=True)]
        _CONVERTIES[id(table)] = table, {ligne["code"]: ligne for ligne in lignes}
    return _CONVERTIES[id(table)][1]


class Portail:
    """Le portail, à employer par `with Portail(table) as portail`.

    `taux_pannes` : part des requêtes qui échouent, d'une panne tirée dans `pannes` ;
    `mises_a_jour` : effectifs moyens de modifications, de suppressions et de créations entre deux pages ;
    `quota` : nombre de requêtes admises par minute de l'horloge ;
    `duree_cache` : durée, en secondes, pendant laquelle le portail dit sa réponse valable ;
    `deformer` : fonction appliquée à chaque ligne servie, pour imiter un changement de format.
    """

    def __init__(
        self,
        table,
        *,
        graine=0,
        taux_pannes=0.0,
        pannes=PANNES,
        mises_a_jour=(0, 0, 0),
        quota=None,
        horloge=None,
        duree_cache=0,
        deformer=None,
    ):
        self.alea = np.random.default_rng(graine)
        self.lignes = dict(_lignes(table))
        self.reserve = []
        if any(mises_a_jour):  # les communes qui seront créées pendant la collecte
            tirees = self.alea.choice(sorted(self.lignes), 60, replace=False)
            self.reserve = [self.lignes.pop(code) for code in tirees.tolist()]
        self.taux_pannes, self.pannes, self.mises_a_jour = taux_pannes, pannes, mises_a_jour
        self.quota, self.horloge = quota, horloge or Horloge()
        self.duree_cache, self.deformer = duree_cache, deformer
        self.journal = []  # (statut, octets du corps) de chaque requête reçue
        self.numero = 0  # numéro d'ordre de la dernière mise à jour
        self._par_code, self._par_maj = sorted(self.lignes), sorted(self.lignes)
        self._minute, self._admises = 0, 0
        self._lent = threading.Event()

    def __enter__(self):
        portail = self

        class Reponse(_Reponse):
            pass

        Reponse.portail = portail
        self._serveur = _Serveur(("127.0.0.1", 0), Reponse)
        self.adresse = f"http://127.0.0.1:{self._serveur.server_address[1]}"
        self._fil = threading.Thread(target=self._serveur.serve_forever, args=(0.01,), daemon=True)
        self._fil.start()
        return self

    def __exit__(self, *erreur):
        self._lent.set()
        self._serveur.shutdown()
        self._serveur.server_close()
        self._fil.join()

    # Ce que contient le portail

    def codes(self, tri="code"):
        """Les codes, dans l'ordre : par code, ou de la mise à jour la plus récente à la plus ancienne."""
        return self._par_code if tri == "code" else self._par_maj

    def modifier(self, code, **valeurs):
        """Modifie une commune ; la crée si elle manque."""
        self.numero += 1
        if code in self.lignes:
            self._par_maj.remove(code)
        else:
            insort(self._par_code, code)
        self._par_maj.insert(0, code)
        self.lignes[code] = {"code": code, **self.lignes.get(code, {}), **valeurs, "maj": self.numero}

    def supprimer(self, code):
        self.numero += 1
        self._par_code.remove(code)
        self._par_maj.remove(code)
        del self.lignes[code]

    def vieillir(self):
        """Ce qui arrive au portail entre deux pages."""
        modifications, suppressions, creations = self.alea.poisson(self.mises_a_jour).tolist()
        for _ in range(modifications):
            self.modifier(self._au_hasard())
        for _ in range(suppressions):
            self.supprimer(self._au_hasard())
        for _ in range(min(creations, len(self.reserve))):
            ligne = self.reserve.pop()
            self.modifier(**ligne)

    def _au_hasard(self):
        codes = self.codes()
        return codes[self.alea.integers(len(codes))]

    # Ce que répond le portail

    def page(self, demande):
        """La page demandée : le total, les lignes, et le curseur de la page suivante."""
        codes = self.codes(demande.get("tri", "code"))
        if "departement" in demande:  # un code de commune commence par celui de son département
            bornes = (bisect_left(self._par_code, demande["departement"] + fin) for fin in ("", "~"))
            codes = self._par_code[slice(*bornes)]
        if "maj_depuis" in demande:
            codes = [code for code in codes if self.lignes[code]["maj"] > int(demande["maj_depuis"])]
        total, limite = len(codes), int(demande.get("limite", 1000))
        if "apres" in demande:
            codes = codes[bisect_right(codes, demande["apres"]) :]
        debut = int(demande.get("debut", 0))
        lignes = [self.lignes[code] for code in codes[debut : debut + limite]]
        suivant = lignes[-1]["code"] if lignes and debut + limite < len(codes) else None
        if "champs" in demande:
            champs = demande["champs"].split(",")
            lignes = [{champ: ligne[champ] for champ in champs} for ligne in lignes]
        if self.deformer:
            lignes = [self.deformer(dict(ligne)) for ligne in lignes]
        return {"total": total, "maj": self.numero, "suivant": suivant, "resultats": lignes}

    def refus(self):
        """Les secondes à attendre si le quota de la minute est épuisé, 0 sinon."""
        self.horloge.dormir(0.05)  # la durée, simulée, d'un échange
        minute = int(self.horloge.maintenant // 60)
        if minute != self._minute:
            self._minute, self._admises = minute, 0
        if self.quota is None or self._admises < self.quota:
            self._admises += 1
            return 0
        return math.ceil(60 * (minute + 1) - self.horloge.maintenant)

    def panne(self):
        """La panne que subit cette requête, ou None."""
        if self.taux_pannes and self.alea.random() < self.taux_pannes:
            return self.pannes[self.alea.integers(len(self.pannes))]
        return None


class _Serveur(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self):
        TCPServer.server_bind(self)  # celui de HTTPServer demande en plus le nom de la machine au réseau


class _Reponse(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # la connexion sert à plusieurs requêtes
    disable_nagle_algorithm = True
    wbufsize = -1
    portail: Portail

    def log_message(self, *_):
        pass

    def do_GET(self):
        portail, adresse = self.portail, urlsplit(self.path)
        demande = {nom: valeurs[0] for nom, valeurs in parse_qs(adresse.query).items()}
        attente, panne = portail.refus(), portail.panne()
        if attente:
            self.repondre(HTTPStatus.TOO_MANY_REQUESTS, b"", {"Retry-After": str(attente)})
        elif panne in {"500", "503"}:
            self.repondre(HTTPStatus(int(panne)), b"")
        elif panne == "coupure":
            portail.journal.append((0, 0))
            self.close_connection = True
        elif adresse.path == "/lent":
            portail._lent.wait(5)
            self.close_connection = True
        elif adresse.path == "/communes":
            page = portail.page(demande)
            portail.vieillir()  # avant l'envoi : le client ne voit jamais un portail à demi modifié
            self.servir(page, demande.get("format", "json"), tronquer=panne == "tronquée")
        else:
            self.repondre(HTTPStatus.NOT_FOUND, b"")

    def servir(self, page, format_, *, tronquer=False):
        if format_ == "csv":
            texte = io.StringIO()
            table = csv.DictWriter(texte, list(page["resultats"][0]))
            table.writeheader()
            table.writerows(page["resultats"])
            corps, genre = texte.getvalue().encode(), "text/csv; charset=utf-8"
        else:
            corps, genre = json.dumps(page, ensure_ascii=False).encode(), "application/json"
        # L'étiquette est l'empreinte des lignes : le numéro de mise à jour du portail n'y entre pas.
        debut = corps.find(b'"resultats"') + 1 if genre == "application/json" else 0
        etiquette = f'"{hashlib.sha256(corps[debut:]).hexdigest()[:16]}"'
        entetes = {"ETag": etiquette, "Cache-Control": f"max-age={self.portail.duree_cache}"}
        if self.headers.get("If-None-Match") == etiquette:
            self.repondre(HTTPStatus.NOT_MODIFIED, b"", entetes)
        else:
            self.repondre(HTTPStatus.OK, corps, {**entetes, "Content-Type": genre}, tronquer=tronquer)

    def repondre(self, statut, corps, entetes=None, *, tronquer=False):
        envoye = corps[: len(corps) // 2] if tronquer else corps
        self.portail.journal.append((int(statut), len(envoye)))
        self.send_response(statut)
        for nom, valeur in (entetes or {}).items():
            self.send_header(nom, valeur)
        if statut != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(corps)))
        self.end_headers()
        self.wfile.write(envoye)
        self.wfile.flush()
        self.close_connection = self.close_connection or tronquer
