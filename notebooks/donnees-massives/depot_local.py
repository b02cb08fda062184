"""Un dépôt S3 sur cette machine : moto y tient le rôle du MinIO du SSP Cloud, et l'on compte les requêtes.

Le dépôt écoute sur 127.0.0.1, à un port libre, jusqu'à `arreter()` ou la fin du bloc `with`. Tout y est
en mémoire. moto répond selon l'interface S3, mais ne vérifie ni les clés ni les signatures : ce qu'il
refuse ici, il le refuse d'après les règles d'accès du dépôt. L'expiration des jetons est de nous.
"""

import logging
import os
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)  # une ligne par requête, sinon
EXPIRE = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"""


class Depot:
    """Le dépôt. `journal` garde (méthode, chemin, statut, octets rendus) de chaque requête reçue."""

    def __init__(self):
        self.journal, self.perimes, self.porte = [], set(), threading.Lock()
        self.application = DomainDispatcherApplication(create_backend_app)
        self.serveur = make_server("127.0.0.1", 0, self._repondre, threaded=True)
        self.hote = f"127.0.0.1:{self.serveur.server_port}"
        self.adresse = f"http://{self.hote}"
        self.fil = threading.Thread(target=self.serveur.serve_forever, daemon=True)
        self.fil.start()

    def variables(self, jeton="jeton-de-ce-matin"):
        """Les variables d'environnement que le SSP Cloud donne à un service, et celles qui nous isolent."""
        return {
            "AWS_S3_ENDPOINT": self.hote,
            "AWS_ENDPOINT_URL": self.adresse,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "cle-factice",
            "AWS_SECRET_ACCESS_KEY": "secret-factice",
            "AWS_SESSION_TOKEN": jeton,
            # Rien d'autre n'est lu : ni les réglages de la machine, ni le service d'identité d'un hébergeur.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }

    def compter(self, action):
        """Exécute l'action ; rend son résultat, le nombre de requêtes reçues et les octets rendus."""
        self.journal.clear()
        resultat = action()
        return resultat, len(self.journal), sum(requete[3] for requete in self.journal)

    def perimer(self, jeton):
        """Refuse désormais ce jeton, comme S3 le fait d'un jeton trop vieux."""
        self.perimes.add(jeton)

    def arreter(self):
        """Ferme le port et attend la fin du fil d'exécution."""
        self.serveur.shutdown()
        self.serveur.server_close()
        self.fil.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *erreur):
        self.arreter()

    def _repondre(self, demande, commencer):
        statut = []

        def noter(ligne, entetes, erreur=None):
            statut.append(int(ligne.split()[0]))
            return commencer(ligne, entetes, erreur)

        if demande.get("HTTP_X_AMZ_SECURITY_TOKEN") in self.perimes:
            noter("400 Bad Request", [("Content-Type", "application/xml")])
            corps = [b"" if demande["REQUEST_METHOD"] == "HEAD" else EXPIRE]
        else:
            corps = self.application(demande, noter)
        try:
            blocs = list(corps)
        finally:
            getattr(corps, "close", lambda: None)()
        with self.porte:
            taille = sum(map(len, blocs))
            self.journal.append((demande["REQUEST_METHOD"], demande["PATH_INFO"], statut[-1], taille))
        return blocs
