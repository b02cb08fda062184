"""Ce que les chapitres partagent : où sont les données, et comment un exercice se vérifie.

- `donnees("rec99")` rend le chemin d'un jeu de données, que le notebook soit ouvert dans le dépôt du
  livre, sur le SSP Cloud ou depuis l'archive des notebooks : ce module y est rangé au même endroit.
- `verifier(exercice_1, reponse)` dit ce qui est acquis dans une réponse et ce qui reste à revoir.
- `eprouver(exercice_1, solution, fautes)` prouve qu'un contrôle accepte la solution et reconnaît des
  fautes plausibles : c'est le test d'un exercice.

Un contrôle est une fonction génératrice. Chaque étape est un triplet (acquis, condition, conseil) ;
la première condition fausse arrête le contrôle, et son conseil s'affiche :

    def exercice_1(part):
        yield from nombre(part, attendu=47.3, aide="Vérifiez le filtre.", fautes={"…": 52.7})

Le module n'emploie que la bibliothèque standard : il s'importe partout.
"""

import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from numbers import Number
from pathlib import Path

DOSSIER = Path(__file__).resolve().parent / "data"
FAUTES_PAR_EXERCICE = 3
CONSEIL_LE_PLUS_COURT = 20  # caractères : en dessous, un conseil ne dit guère que « faux »

LARGEUR = 76  # caractères d'une ligne d'affichage

Etape = tuple[str, bool, str]
Controle = Callable[..., Iterator[Etape]]


def donnees(nom: str) -> Path:
    """Chemin du fichier d'un jeu de données du livre.

    Lève FileNotFoundError, avec la liste des jeux présents, si le livre n'a pas celui-là ou si le
    notebook a été séparé de ses données.
    """
    chemin = DOSSIER / nom / f"{nom}.parquet"
    if chemin.exists():
        return chemin
    presents = sorted(dossier.name for dossier in DOSSIER.glob("*/"))
    la = f"Il y a : {', '.join(presents)}." if presents else "Ce dossier est vide ou absent."
    raise FileNotFoundError(
        f"le jeu de données « {nom} » n'est pas dans {DOSSIER}. {la} Si vous avez déplacé le notebook, "
        "téléchargez l'archive des notebooks depuis la page du chapitre et ouvrez-le dans son dossier."
    )


class PasEncore(Exception):
    """La réponse n'est pas encore la bonne ; le message dit ce qui est acquis et ce qui reste à revoir."""

    def _render_traceback_(self) -> list[str]:
        """Ce que Jupyter affiche au lieu d'une trace d'exécution, qui n'apprendrait rien au lecteur."""
        return str(self).splitlines()


def verifier(controle: Controle, *reponses: object) -> None:
    """Contrôle une réponse : l'affiche si elle est juste, lève `PasEncore` sinon."""
    titre = controle.__name__.replace("_", " ").capitalize()
    acquis, conseil = _parcourir(controle, reponses)
    deja = _paragraphe(f"Acquis : {' ; '.join(acquis)}.") if acquis else ""
    if conseil:
        raise PasEncore(f"{titre} : pas encore.{deja}{_paragraphe(f'À revoir : {conseil}')}")
    print(f"{titre} : c'est juste.{deja}")


def _paragraphe(texte: str) -> str:
    """Un paragraphe en retrait, coupé à la largeur d'une page."""
    retrait = {"initial_indent": "  ", "subsequent_indent": "    "}
    texte = texte.replace(" ;", "\u00a0;").replace(" :", "\u00a0:")  # pas de signe en début de ligne
    return "\n" + textwrap.fill(texte, LARGEUR, break_on_hyphens=False, **retrait).replace("\u00a0", " ")


def _parcourir(controle: Controle, reponses: tuple) -> tuple[list[str], str]:
    """Les étapes acquises et le conseil de la première qui ne l'est pas (vide si tout est juste)."""
    acquis: list[str] = []
    if any(reponse is ... for reponse in reponses):
        return acquis, "remplacez les trois points par votre réponse, puis relancez les deux cellules."
    try:
        for etape, condition, conseil in controle(*reponses):
            if not condition:
                return acquis, conseil
            if etape and etape not in acquis:
                acquis.append(etape)
    except Exception as erreur:
        recu = ", ".join(map(decrire, reponses))
        cause = f"{type(erreur).__name__} : {erreur}"
        return acquis, f"votre réponse ({recu}) ne se laisse pas vérifier. Python dit : {cause}."
    return acquis, ""


def nombre(
    reponse: object, attendu: float, aide: str, fautes: Mapping[str, float] | None = None, rtol: float = 1e-3
) -> Iterator[Etape]:
    """Étapes d'un exercice dont la réponse est un nombre.

    `aide` : le conseil donné quand la valeur n'est ni la bonne, ni une faute connue ; `fautes` : le
    conseil propre à chaque valeur fausse que l'on sait reconnaître ; `rtol` : l'écart relatif admis.
    """
    seul = isinstance(reponse, Number) or getattr(reponse, "shape", None) == ()
    yield "un seul nombre", seul, f"un seul nombre est attendu, et votre réponse est {decrire(reponse)}."
    valeur, attendu = float(reponse), float(attendu)
    yield "", math.isfinite(valeur), "votre nombre n'est pas fini : une division par zéro, un manquant ?"
    usuelles = {
        "c'est la valeur attendue, au facteur 100 près : proportion ou pourcentage ?": 100 * attendu,
        "c'est la valeur attendue, au facteur 100 près : pourcentage ou proportion ?": attendu / 100,
        "c'est la valeur attendue, au signe près : dans quel sens va la différence ?": -attendu,
    }
    proche = math.isclose(valeur, attendu, rel_tol=rtol)
    for conseil, fausse in (*(fautes or {}).items(), *usuelles.items()):
        yield "", proche or not math.isclose(valeur, float(fausse), rel_tol=rtol), conseil
    yield "la bonne valeur", proche, aide


def decrire(reponse: object) -> str:
    """Ce qu'est une réponse, en mots : son type, et sa forme si elle en a une."""
    forme = getattr(reponse, "shape", None)
    if isinstance(forme, tuple) and len(forme) == 2:
        return f"une table de {_compter(forme[0], 'ligne')} et {_compter(forme[1], 'colonne')}"
    if isinstance(forme, tuple) and len(forme) == 1:
        return f"une série ou un tableau de {_compter(forme[0], 'valeur')}"
    if isinstance(reponse, str):
        return f"un texte de {_compter(len(reponse), 'caractère')}"
    if isinstance(reponse, bool):
        return "un booléen"
    if isinstance(reponse, Number):
        return "un nombre"
    if isinstance(reponse, dict | list | tuple | set):
        noms = {dict: "un dictionnaire", list: "une liste", tuple: "un n-uplet", set: "un ensemble"}
        nom = next(nom for genre, nom in noms.items() if isinstance(reponse, genre))
        return f"{nom} de longueur {len(reponse)}"
    return "une fonction" if callable(reponse) else f"un objet de type {type(reponse).__name__}"


def _compter(effectif: int, nom: str) -> str:
    return f"{effectif} {nom}{'s' if effectif > 1 else ''}"


def eprouver(controle: Controle, solution: object, fautes: Iterable[tuple[object, str]]) -> None:
    """Prouve qu'un contrôle accepte la solution et reconnaît des fautes plausibles.

    `fautes` : des couples (réponse fausse, extrait du conseil qu'elle doit recevoir), trois au moins ;
    une réponse en plusieurs morceaux est un n-uplet. Le conseil ne se réduit pas à « faux » et ne
    montre pas la réponse. Lève AssertionError, qui dit ce que le contrôle a manqué.
    """
    nom = controle.__name__
    refus = _parcourir(controle, _reponses(controle, solution))[1]
    assert not refus, f"{nom} refuse la solution : {refus}"
    fautes = list(fautes)
    assert len(fautes) >= FAUTES_PAR_EXERCICE, (
        f"{nom} : {len(fautes)} faute(s), au moins {FAUTES_PAR_EXERCICE}"
    )
    conseils = set()
    for reponse, extrait in fautes:
        conseil = _parcourir(controle, _reponses(controle, reponse))[1]
        assert conseil, f"{nom} accepte une réponse fausse ({decrire(reponse)}, « {extrait} »)"
        assert extrait in conseil, f"{nom} dit « {conseil} », où l'on attend « {extrait} »"
        assert len(conseil) >= CONSEIL_LE_PLUS_COURT, f"{nom} : le conseil « {conseil} » est trop court"
        for ecrite in _ecritures(solution):
            assert ecrite not in conseil, f"{nom} : le conseil « {conseil} » montre la réponse"
        conseils.add(conseil)
    print(f"{nom} : la solution est acceptée, {len(fautes)} fautes reconnues, {len(conseils)} conseils.")


def _reponses(controle: Controle, reponse: object) -> tuple:
    """Les arguments du contrôle : un contrôle à plusieurs paramètres reçoit un n-uplet."""
    plusieurs = controle.__code__.co_argcount > 1
    return reponse if plusieurs else (reponse,)


def _ecritures(solution: object) -> list[str]:
    """Les façons d'écrire une solution (nombre ou texte) qu'un conseil ne doit pas contenir."""
    if isinstance(solution, str):
        return [solution.strip()]
    if not isinstance(solution, Number) or isinstance(solution, bool):
        return []
    ecrites = [f"{float(solution):.{decimales}f}" for decimales in (2, 3, 4)]
    return [*ecrites, *(ecrite.replace(".", ",") for ecrite in ecrites)]
