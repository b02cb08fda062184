"""Un site web sur cette machine : de vraies pages HTML, dont on change la maquette.

Le site écoute sur 127.0.0.1, à un port libre, le temps d'un bloc `with` : il s'arrête aussi quand la
cellule échoue. Il publie une page par intercommunalité, avec la population de ses communes l'année de la
campagne. Les populations et les noms sont ceux de la table qu'on lui donne ; les pages, la maquette, les
incidents et les dates sont de nous. Deux exécutions donnent les mêmes réponses.
"""

import calendar
import threading
from email.utils import formatdate
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from socketserver import TCPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from portail_local import Horloge

TRIS, ORDRES, TAILLES = ("nom", "population", "code", "date"), ("asc", "desc"), (20, 50, 100)
MAQUETTES = ("initiale", "classe", "colonne", "abrégée", "liste", "vide", "périmée")
DELAI = 2  # secondes, demandées par robots.txt

ROBOTS = """User-agent: *
Crawl-delay: {delai}
Disallow: /recherche
Disallow: /agenda

Sitemap: {adresse}/plan.xml
"""


def separer(nombre, abreger=False):
    """Le nombre comme une page l'écrit : une espace fine entre les milliers, ou « 12,3 k »."""
    if abreger and nombre >= 10_000:
        return f"{nombre / 1000:.1f} k".replace(".", ",")
    return f"{nombre:,}".replace(",", "\u202f")


class Site:
    """Le site, à employer par `with Site(table, 2023) as site`.

    `table` : colonnes code_commune, commune, code_departement, code_epci, epci et population_AAAA ;
    `maquette` : la présentation de toutes les pages, ou un dictionnaire qui la donne page par page ;
    `horloge` : le temps, simulé, que se partagent le site et ses visiteurs.
    """

    def __init__(self, table, annee, *, maquette="initiale", horloge=None):
        self.annee, self.horloge = annee, horloge or Horloge()
        self.maquettes = maquette if isinstance(maquette, dict) else {}
        self.maquette = "initiale" if isinstance(maquette, dict) else maquette
        self.groupes = {siren: groupe for siren, groupe in table.groupby("code_epci")}
        self.departements = {
            departement: sorted(set(groupe["code_epci"]))
            for departement, groupe in table.groupby("code_departement")
        }
        self.depart = calendar.timegm((annee + 1, 1, 15, 6, 0, 0))  # la campagne : le 15 janvier suivant
        self.journal = []  # (chemin, statut, octets, agent, instant) de chaque requête reçue

    def __enter__(self):
        site = self

        class Reponse(_Reponse):
            pass

        Reponse.site = site
        self._serveur = _Serveur(("127.0.0.1", 0), Reponse)
        self.adresse = f"http://127.0.0.1:{self._serveur.server_address[1]}"
        self._fil = threading.Thread(target=self._serveur.serve_forever, args=(0.01,), daemon=True)
        self._fil.start()
        return self

    def __exit__(self, *erreur):
        self._serveur.shutdown()
        self._serveur.server_close()
        self._fil.join()

    # Les pages

    def reponse(self, chemin):
        """Le type et le texte de la réponse, ou None si le site n'a pas cette adresse."""
        adresse = urlsplit(chemin)
        morceaux = adresse.path.strip("/").split("/")
        match morceaux:
            case [""]:
                return "text/html", self._page("Accueil", self._liens_departements())
            case ["robots.txt"]:
                return "text/plain", ROBOTS.format(delai=DELAI, adresse=self.adresse)
            case ["plan.xml"]:
                return "application/xml", self._plan()
            case ["communes.csv"]:
                return "text/csv", self._fichier()
            case ["departement", departement] if departement in self.departements:
                sirens = self.departements[departement]
                liens = [(f"/departement/{departement}/{s}", self._nom(s)) for s in sirens]
                return "text/html", self._page(f"Département {departement}", _liste(liens))
            case ["departement", departement, siren] if siren in self.groupes:
                return "text/html", self._interco(siren, f"Département {departement}")
            case ["interco", siren] if siren in self.groupes:
                return "text/html", self._interco(siren, "Région")
            case ["recherche"]:
                demande = {nom: valeurs[0] for nom, valeurs in parse_qs(adresse.query).items()}
                return "text/html", self._page("Recherche", self._recherche(demande))
            case ["agenda", mois]:
                return "text/html", self._page(f"Agenda de {mois}", self._agenda(mois))
        return None

    def _nom(self, siren):
        return self.groupes[siren]["epci"].iloc[0]

    def _liens_departements(self):
        return _liste([(f"/departement/{d}", f"Département {d}") for d in self.departements])

    def _page(self, titre, corps, canonique=None, parent="Région"):
        lien = f'<link rel="canonical" href="{canonique}">' if canonique else ""
        menu = [("/", "Accueil"), ("/recherche", "Recherche"), (f"/agenda/{self.annee + 1}-01", "Agenda")]
        jeton = f"{len(self.journal):08x}"  # change à chaque visite, comme ceux des formulaires
        return (
            f'<!doctype html>\n<html lang="fr"><head><meta charset="utf-8">'
            f"<title>{escape(titre)}</title>{lien}"
            f'<meta name="jeton" content="{jeton}"></head>\n<body><nav>{_liste(menu)}<p>{parent}</p></nav>\n'
            f"<main><h1>{escape(titre)}</h1>\n{corps}</main></body></html>\n"
        )

    def _interco(self, siren, parent):
        maquette = self.maquettes.get(siren, self.maquette)
        if maquette == "vide":
            return self._page("Service indisponible", "<p>Merci de revenir dans quelques instants.</p>")
        return self._page(self._nom(siren), self._tableau(siren, maquette), f"/interco/{siren}", parent)

    def _tableau(self, siren, maquette):
        groupe, annee = self.groupes[siren], self.annee
        actuelles = groupe[f"population_{annee - (maquette == 'périmée')}"]
        nombres = [separer(int(n), maquette == "abrégée") for n in actuelles]
        entites = list(zip(groupe["code_commune"], map(escape, groupe["commune"]), strict=True))
        if maquette == "liste":
            lignes = [
                f'<li data-code="{code}">{nom} : {nombre} habitants en {annee}</li>'
                for (code, nom), nombre in zip(entites, nombres, strict=True)
            ]
            return '<ul class="communes">\n' + "\n".join(lignes) + "\n</ul>\n"
        classe = "effectif" if maquette == "classe" else "pop"
        colonnes = {annee: nombres}
        if maquette == "colonne":
            colonnes = {annee - 1: map(separer, groupe[f"population_{annee - 1}"]), annee: nombres}
        titres = ["Code", "Commune", *(f"Population en {an}" for an in colonnes)]
        entete = "".join(f"<th>{titre}</th>" for titre in titres)
        corps = [
            f'<tr><td class="code">{code}</td><td class="nom">{nom}</td>'
            + "".join(f'<td class="{classe}">{valeur}</td>' for valeur in valeurs)
            + "</tr>"
            for (code, nom), *valeurs in zip(entites, *colonnes.values(), strict=True)
        ]
        return f'<table class="communes">\n<tr>{entete}</tr>\n' + "\n".join(corps) + "\n</table>\n"

    def _plan(self):
        adresses = "".join(
            f"<url><loc>{self.adresse}/interco/{siren}</loc></url>\n" for siren in self.groupes
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{adresses}</urlset>\n'
        )

    def _fichier(self):
        lignes = [
            f"{code},{siren},{int(n)}"
            for siren, groupe in self.groupes.items()
            for code, n in zip(groupe["code_commune"], groupe[f"population_{self.annee}"], strict=True)
        ]
        return "code,interco,population\n" + "\n".join(lignes) + "\n"

    def _recherche(self, demande):
        """Une page de résultats, et des liens vers toutes les façons de la trier et de la découper."""
        departement, taille = (
            demande.get("departement", next(iter(self.departements))),
            int(demande.get("taille", 20)),
        )
        sirens = self.departements.get(departement, [])[:taille]
        resultats = [(f"/interco/{siren}", self._nom(siren)) for siren in sirens]
        facettes = [
            (
                f"/recherche?{urlencode({'departement': d, 'tri': t, 'ordre': o, 'taille': n})}",
                f"{d} {t} {o} {n}",
            )
            for d, t, o, n in product(self.departements, TRIS, ORDRES, TAILLES)
        ]
        return _liste(resultats) + _liste(facettes)

    @staticmethod
    def _agenda(mois):
        """Un calendrier dont chaque mois mène au suivant et au précédent, sans fin."""
        an, rang = (int(morceau) for morceau in mois.split("-"))
        voisins = [divmod(12 * an + rang - 1 + pas, 12) for pas in (-1, 1)]
        return _liste([(f"/agenda/{a}-{r + 1:02d}", f"{r + 1:02d}/{a}") for a, r in voisins])


def _liste(liens):
    return (
        "<ul>"
        + "".join(f'<li><a href="{escape(a)}">{escape(texte)}</a></li>' for a, texte in liens)
        + "</ul>\n"
    )


class _Serveur(ThreadingHTTPServer):
    daemon_threads = True

    def server_bind(self):
        TCPServer.server_bind(self)  # celui de HTTPServer demande en plus le nom de la machine au réseau


class _Reponse(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # la connexion sert à plusieurs requêtes
    disable_nagle_algorithm = True
    wbufsize = -1
    site: Site

    def log_message(self, *_):
        pass

    def do_GET(self):
        site, trouvee = self.site, self.site.reponse(self.path)
        statut = HTTPStatus.OK if trouvee else HTTPStatus.NOT_FOUND
        genre, texte = trouvee or ("text/html", site._page("Page introuvable", ""))
        corps, instant = texte.encode(), site.horloge.maintenant
        site.journal.append((self.path, int(statut), len(corps), self.headers.get("User-Agent", ""), instant))
        self.send_response_only(statut)
        self.send_header("Date", formatdate(site.depart + instant, usegmt=True))
        self.send_header("Content-Type", f"{genre}; charset=utf-8")
        self.send_header("Content-Length", str(len(corps)))
        self.end_headers()
        self.wfile.write(corps)
        self.wfile.flush()
