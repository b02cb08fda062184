"""Ce qui tient lieu de forge au chapitre sur l'intégration continue : un dépôt nu et un exécuteur.

Rien n'est exécuté chez GitHub ni chez GitLab. `Forge` lit un vrai fichier `verifier.yml` et en exécute
les étapes ici, dans un dossier par travail, clone neuf du dépôt nu. Elle interprète ce dont le chapitre
a besoin : `on`, `needs`, `if`, `strategy.matrix`, `env`, `environment`, `working-directory`,
`continue-on-error`, les expressions `${{ … }}`, et deux actions (`checkout` et `cache`). Ni conteneur,
ni machine neuve : les étapes voient le Python de ce poste.
"""

import fnmatch
import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import yaml

Etape = namedtuple("Etape", "travail cas etape etat journal")
NOM = re.compile(r"'[^']*'|[a-z_]\w*(?:\.[\w-]+)+")
CONFIGURATION = """[user]
    name = Camille Martin
    email = camille.martin@exemple.fr
[init]
    defaultBranch = main
    templateDir =
[gc]
    auto = 0
[maintenance]
    auto = false
"""
CROCHET = '#!/bin/sh\nwhile read -r avant apres ref; do echo "$apres $ref" >> arrivees; done\n'


class Refus(Exception):
    """Le fichier ne peut pas s'exécuter : la forge le refuse avant la première étape."""


def ordre(besoins):
    """Les travaux dans un ordre qui respecte `needs` ; lève Refus pour un inconnu ou un cycle."""
    faits, reste = [], dict(besoins)
    for travail, avant in besoins.items():
        for inconnu in set(avant) - set(besoins):
            raise Refus(f"« {travail} » attend « {inconnu} », qui n'existe pas")
    while reste:
        prets = [travail for travail, avant in reste.items() if set(avant) <= set(faits)]
        if not prets:
            raise Refus(f"attente circulaire entre {', '.join(sorted(reste))}")
        faits += prets
        for travail in prets:
            del reste[travail]
    return faits


def liste(valeur):
    """Une clé `needs` s'écrit avec un nom ou une liste de noms."""
    return [valeur] if isinstance(valeur, str) else list(valeur or [])


def concerne(declencheurs, evenement, ref):
    """Dit si un évènement déclenche le pipeline : `branches` et `tags` filtrent les push."""
    if evenement not in declencheurs:
        return False
    filtre = declencheurs[evenement] if isinstance(declencheurs, dict) else None
    if not filtre:
        return True
    genre, nom = ref.removeprefix("refs/").split("/", 1)
    motifs = filtre.get({"heads": "branches", "tags": "tags"}[genre], [])
    return any(fnmatch.fnmatch(nom, motif) for motif in motifs)


def relire(fichiers, dossier):
    """Les remarques des deux outils, hors ligne, pour chaque texte d'un dictionnaire."""
    lieu = Path(dossier) / ".github/workflows"
    lieu.mkdir(parents=True, exist_ok=True)
    for nom, texte in fichiers.items():
        (lieu / f"{nom}.yml").write_text(texte)
    chemins = [str(lieu / f"{nom}.yml") for nom in fichiers]
    binaires = Path(sys.executable).parent
    schema = subprocess.run(
        [
            binaires / "check-jsonschema",
            "--builtin-schema",
            "vendor.github-workflows",
            "-o",
            "json",
            *chemins,
        ],
        capture_output=True,
        text=True,
    )
    lu = json.loads(schema.stdout)
    audit = subprocess.run(
        [binaires / "zizmor", "--offline", "--format", "json", "--no-progress", *chemins],
        capture_output=True,
        text=True,
        env=os.environ | {"NO_COLOR": "1"},
    )
    remarques = {nom: {"schéma": set(), "zizmor": set()} for nom in fichiers}
    for erreur in lu["errors"]:
        exact = erreur.get("best_match") or erreur
        remarques[Path(erreur["filename"]).stem]["schéma"].add(exact["message"][:60])
    for erreur in lu["parse_errors"]:
        remarques[Path(erreur["filename"]).stem]["schéma"].add("illisible")
    for constat in json.loads(audit.stdout or "[]"):
        for place in constat["locations"]:
            cle = place["symbolic"]["key"]["Local"]
            chemin = cle.get("verbatim_path") or cle["given_path"]
            remarques[Path(chemin).stem]["zizmor"].add(constat["ident"])
    for nom in fichiers:
        if f"/{nom}.yml" not in "".join(li for li in audit.stderr.splitlines() if "completed" in li):
            remarques[nom]["zizmor"].add("illisible")
    return remarques


class Forge:
    """Un dépôt nu, qui exécute le pipeline de chaque push."""

    def __init__(self, atelier, secrets):
        self.atelier, self.secrets, self.caches, self.compte = Path(atelier), secrets, {}, 0
        self.depot, self.site = self.atelier / "depot.git", self.atelier / "site"
        (self.atelier / "gitconfig").write_text(CONFIGURATION)
        garde = {nom: valeur for nom, valeur in os.environ.items() if not nom.startswith("GIT_")}
        self.env = garde | {
            "GIT_CONFIG_GLOBAL": str(self.atelier / "gitconfig"),
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_AUTHOR_DATE": "1772438400 +0100",
            "GIT_COMMITTER_DATE": "1772438400 +0100",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC0",  # une machine de forge est à l'heure universelle, où que soit le lecteur
            "PYTHONDONTWRITEBYTECODE": "1",
            "RUFF_NO_CACHE": "true",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        self.git(".", "init", "--quiet", "--bare", "depot.git")
        (self.depot / "hooks").mkdir(exist_ok=True)
        (self.depot / "hooks/post-receive").write_text(CROCHET)
        (self.depot / "hooks/post-receive").chmod(0o755)
        (self.site / "versions").mkdir(parents=True)

    def git(self, dossier, *arguments):
        commande = ["git", "-C", str(self.atelier / dossier), *arguments]
        return subprocess.run(
            commande, env=self.env, capture_output=True, text=True, check=True
        ).stdout.strip()

    def ecrire(self, dossier, nom, texte):
        """Écrit un fichier du dépôt de travail et le fait suivre par Git."""
        chemin = Path(dossier) / nom
        chemin.parent.mkdir(parents=True, exist_ok=True)
        chemin.write_text(texte, encoding="utf-8")
        self.git(dossier, "add", nom)

    def pousser(self, dossier, message, ref="main", **options):
        """Enregistre ce qui est suivi, pousse, et exécute le pipeline des références arrivées."""
        self.git(dossier, "commit", "--quiet", "--all", "--allow-empty", "-m", message)
        self.git(dossier, "push", "--quiet", "--force", "origin", f"HEAD:{ref}")
        arrivees = self.depot / "arrivees"
        lignes = arrivees.read_text().splitlines()
        arrivees.unlink()
        return [e for ligne in lignes for e in self.executer(*ligne.split(" ", 1), **options)]

    def executer(self, commit, ref, evenement="push", titre="", fork=False, approuves=(), fichier=None):
        """Exécute un pipeline ; `fichier` remplace celui du commit. Rend la liste de ses étapes."""
        texte = fichier or self.git(self.depot, "show", f"{commit}:.github/workflows/verifier.yml")
        pipeline = yaml.safe_load(texte)
        if not concerne(pipeline[True], evenement, ref):  # YAML 1.1 lit la clé « on » comme un booléen
            return []
        contexte = {
            "github.ref": ref,
            "github.sha": commit,
            "github.event_name": evenement,
            "github.event.pull_request.title": titre,
        } | {f"secrets.{nom}": "" if fork else valeur for nom, valeur in self.secrets.items()}
        travaux, etats, journal = pipeline["jobs"], {}, []
        for nom in ordre({nom: liste(travail.get("needs")) for nom, travail in travaux.items()}):
            travail = travaux[nom]
            avant = [etats[besoin] for besoin in liste(travail.get("needs"))]
            verdict = "réussi" if all(etat == "réussi" for etat in avant) else "échec"
            if not self._si(travail.get("if"), verdict, contexte):
                etats[nom] = "sauté"
            elif travail.get("environment") and travail["environment"] not in approuves:
                etats[nom] = "en attente"
            else:
                commun = contexte | {f"env.{cle}": valeur for cle, valeur in pipeline.get("env", {}).items()}
                cas_prevus = combinaisons(travail)
                obtenus = [self._travail(nom, travail, cas, commun, journal) for cas in cas_prevus]
                etats[nom] = "réussi" if all(obtenus) else "échec"
                continue
            journal.append(Etape(nom, "", "", etats[nom], ""))
        return journal

    def _travail(self, nom, travail, cas, contexte, journal):
        contexte = contexte | {f"matrix.{cle}": valeur for cle, valeur in cas.items()}
        self.compte += 1
        dossier = self.atelier / f"travail-{self.compte}"
        dossier.mkdir()
        contexte["dossier"] = dossier
        bilan, a_ranger = "réussi", []
        for rang, etape in enumerate(travail["steps"], 1):
            if not self._si(etape.get("if"), bilan, contexte):
                journal.append(Etape(nom, _cas(cas), _titre(etape, rang), "non lancée", ""))
                continue
            code, sortie = self._etape(etape, travail, contexte, a_ranger)
            etat = "réussie" if code == 0 else "échec"
            journal.append(Etape(nom, _cas(cas), _titre(etape, rang), etat, self._masquer(sortie)))
            if code and not etape.get("continue-on-error"):
                bilan = "échec"
        if bilan == "réussi":
            for cle, chemin in a_ranger:
                self.caches[cle] = shutil.copytree(chemin, self.atelier / f"cache-{self.compte}")
        shutil.rmtree(dossier)
        return bilan == "réussi" or bool(travail.get("continue-on-error"))

    def _etape(self, etape, travail, contexte, a_ranger):
        dossier = contexte["dossier"]
        action = etape.get("uses", "").split("@")[0]
        if action == "actions/checkout":
            self.git(".", "clone", "--quiet", "--no-checkout", str(self.depot), str(dossier))
            self.git(dossier, "checkout", "--quiet", contexte["github.sha"])
            return 0, ""
        if action == "actions/cache":
            cle = self.remplacer(etape["with"]["key"], contexte)
            if cle in self.caches:
                shutil.copytree(self.caches[cle], dossier / etape["with"]["path"])
                return 0, "cache trouvé"
            a_ranger.append((cle, dossier / etape["with"]["path"]))
            return 0, "cache absent"
        if action:
            raise Refus(f"l'action « {action} » n'existe pas dans cet exécuteur")
        env = self.env | {"SITE": str(self.site), "GITHUB_SHA": contexte["github.sha"]}
        env |= {n.split(".", 1)[1]: str(v) for n, v in contexte.items() if n.startswith("env.")}
        for bloc in (travail.get("env", {}), etape.get("env", {})):
            env |= {nom: self.remplacer(valeur, contexte) for nom, valeur in bloc.items()}
        lieu = dossier / etape.get("working-directory", ".")
        script = self.remplacer(etape["run"], contexte)
        essai = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=lieu,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        return essai.returncode, essai.stdout

    def _masquer(self, texte):
        for valeur in self.secrets.values():
            texte = texte.replace(valeur, "***")
        return texte.replace(str(self.atelier), "")

    def remplacer(self, texte, contexte):
        calcul = lambda trouve: str(evaluer(trouve[1], contexte, "réussi"))  # noqa: E731
        return re.sub(r"\$\{\{(.*?)\}\}", calcul, str(texte))

    def _si(self, condition, bilan, contexte):
        texte = str(condition or "success()").strip().removeprefix("${{").removesuffix("}}")
        if not re.search(r"\b(success|failure|always)\(", texte):
            texte = f"success() && ({texte})"
        return bool(evaluer(texte, contexte, bilan))


def combinaisons(travail):
    """Les cas d'une matrice : le produit de ses listes, moins `exclude`."""
    matrice = dict(travail.get("strategy", {}).get("matrix", {}))
    exclus = matrice.pop("exclude", [])
    cas = [dict(zip(matrice, valeurs, strict=True)) for valeurs in itertools.product(*matrice.values())]
    return [c for c in cas if not any(exclu.items() <= c.items() for exclu in exclus)]


def evaluer(texte, contexte, bilan="réussi"):
    """La valeur d'une expression `${{ … }}` : comparaisons, et, ou, et quelques fonctions."""
    noms = {
        "success": lambda: bilan == "réussi",
        "failure": lambda: bilan == "échec",
        "always": lambda: True,
        "startsWith": lambda texte, debut: str(texte).startswith(debut),
        "hashFiles": lambda *fichiers: _empreinte(contexte["dossier"], fichiers),
        "v": lambda nom: contexte.get(nom, ""),
        "__builtins__": {},
    }
    code = NOM.sub(lambda t: t[0] if t[0].startswith("'") else f"v({t[0]!r})", texte.strip())
    code = code.replace("&&", " and ").replace("||", " or ")
    return eval(re.sub(r"!(?!=)", " not ", code), noms)  # nos seuls fichiers


def _empreinte(dossier, fichiers):
    contenu = b"".join((Path(dossier) / fichier).read_bytes() for fichier in fichiers)
    return hashlib.sha256(contenu).hexdigest()[:12]


def _cas(cas):
    return ", ".join(map(str, cas.values()))


def _titre(etape, rang):
    return etape.get("name") or etape.get("uses", f"étape {rang}").split("@")[0]
