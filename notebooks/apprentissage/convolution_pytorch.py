# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Un réseau convolutif avec PyTorch
#
# Carnet optionnel du chapitre « Apprentissage profond ». Il demande PyTorch, que le livre n'installe pas :
#
#     pip install torch==2.13.0 numpy scikit-learn
#
# La question est celle que le chapitre laisse ouverte : une couche de convolution reconnaît-elle un
# chiffre décalé d'un pixel sans l'avoir jamais vu décalé ?

# %%
import copy
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

torch.set_num_threads(1)  # de si petits réseaux ne gagnent rien à plusieurs fils
GRAINES = (0, 1, 2)
EPOQUES = 25

# %% [markdown]
# ## Les données
#
# Les mêmes 1 797 chiffres manuscrits que dans le chapitre, dans l'ordre du fichier. PyTorch attend des
# images à quatre dimensions : numéro, canal (un seul, le gris), ligne, colonne.

# %%
pixels, chiffres = load_digits(return_X_y=True)
images = torch.tensor(pixels / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
cible = torch.tensor(chiffres)
apprentissage, validation, test = slice(0, 1_000), slice(1_000, 1_300), slice(1_300, None)


def decaler(lot, colonnes):
    """Déplace l'encre d'un pixel vers la droite (1) ou la gauche (-1), et laisse le bord blanc."""
    deplace = torch.roll(lot, colonnes, dims=3)
    deplace[..., 0 if colonnes == 1 else -1] = 0
    return deplace


# %% [markdown]
# ## Trois réseaux
#
# Le premier est celui du chapitre : chaque pixel est une variable. Les deux autres commencent par les mêmes
# convolutions, de petits filtres de neuf coefficients appliqués à tous les endroits de l'image. Ils
# diffèrent par la fin. L'un range les réponses des filtres par endroit, puis les pondère : il apprend encore
# où se trouve chaque trait. L'autre ne garde de chaque filtre que sa plus forte réponse, où qu'elle soit.


# %%
def dense():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


def filtres():
    return [
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 32, 3, padding=1), nn.ReLU()),
    ]


def convolutif_range():
    return nn.Sequential(*filtres(), nn.Flatten(), nn.Linear(32 * 4 * 4, 10))


def convolutif_maximum():
    return nn.Sequential(*filtres(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(32, 10))


RESEAUX = {
    "Dense": dense,
    "Convolutif, réponses rangées": convolutif_range,
    "Convolutif, plus forte réponse": convolutif_maximum,
}

# %% [markdown]
# ## La boucle d'apprentissage
#
# scikit-learn la cache dans `fit` ; PyTorch la laisse écrire. À chaque lot : remettre les gradients à zéro,
# prévoir, calculer la perte, la dériver, avancer d'un pas. On garde les coefficients de l'époque où la perte
# de validation est la plus basse.


# %%
def perte(reseau, lot):
    return nn.functional.cross_entropy(reseau(images[lot]), cible[lot])


def apprendre(construire, graine):
    """Rend le réseau appris et l'époque retenue."""
    torch.manual_seed(graine)  # les coefficients de départ
    reseau = construire()
    ordre = torch.Generator().manual_seed(graine)
    optimiseur = torch.optim.Adam(reseau.parameters(), lr=2e-3)
    meilleure, epoque_retenue, garde = np.inf, 0, None
    for epoque in range(EPOQUES):
        reseau.train()
        for lot in torch.randperm(1_000, generator=ordre).split(32):
            optimiseur.zero_grad()
            perte(reseau, lot).backward()
            optimiseur.step()
        reseau.eval()
        with torch.no_grad():  # on mesure : rien à dériver
            mesure = perte(reseau, validation).item()
        if mesure < meilleure:
            meilleure, epoque_retenue = mesure, epoque
            garde = copy.deepcopy(reseau.state_dict())
    reseau.load_state_dict(garde)
    return reseau, epoque_retenue


def exactitude(reseau, lot):
    with torch.no_grad():
        return 100 * (reseau(lot).argmax(dim=1) == cible[test]).double().mean().item()


# %% [markdown]
# ## Le résultat

# %%
vues = {
    "telles quelles": images[test],
    "à gauche": decaler(images[test], -1),
    "à droite": decaler(images[test], 1),
}
resultats, appris = {}, {}
for nom, construire in RESEAUX.items():
    essais = []
    for graine in GRAINES:
        reseau, _epoque = apprendre(construire, graine)
        essais.append([exactitude(reseau, lot) for lot in vues.values()])
    appris[nom] = reseau
    resultats[nom] = np.array(essais)

print(f"Exactitude (%) sur {len(images[test])} images, moyenne de {len(GRAINES)} graines")
for nom, essais in resultats.items():
    moyennes = "   ".join(f"{vue} {m:.1f}" for vue, m in zip(vues, essais.mean(axis=0), strict=True))
    coefficients = sum(p.numel() for p in appris[nom].parameters())
    print(f"{nom:32} {coefficients:6} coefficients   {moyennes}")

# %%
pertes = {nom: essais[:, 0].mean() - essais[:, 1:].mean() for nom, essais in resultats.items()}
for nom, points in pertes.items():
    print(f"{nom:32} perd {points:.0f} points quand l'image est décalée")

# %% [markdown]
# La convolution ne suffit pas. Tant que la dernière couche sait où répond chaque filtre, un pixel de décalage
# la trompe encore. Ne garder que la plus forte réponse réduit la perte à la moitié environ de celle du réseau
# dense. Apprendre sur des copies décalées, comme dans le chapitre, l'efface : une architecture ne dispense ni
# de montrer au modèle les déformations qu'il rencontrera, ni de l'éprouver sur elles.

# %%
denses, range_, maximum = (pertes[nom] for nom in RESEAUX)
assert min(essais[:, 0].mean() for essais in resultats.values()) > 88, "un réseau n'a pas appris"
assert 0.6 < range_ / denses < 0.85, "la convolution seule rend une petite part"
assert 0.35 < maximum / denses < 0.65, "la plus forte réponse rend la moitié"

# %% [markdown]
# ## Enregistrer le modèle
#
# On enregistre les coefficients (`state_dict`), non l'objet : un objet Python enregistré entier exécute du
# code quand on le relit, et ne se relit plus quand la classe change. `weights_only=True` refuse le reste.

# %%
with tempfile.TemporaryDirectory() as dossier:
    fichier = Path(dossier) / "convolutif.pt"
    torch.save(appris["Convolutif, plus forte réponse"].state_dict(), fichier)
    relu = convolutif_maximum()
    relu.load_state_dict(torch.load(fichier, weights_only=True))
relu.eval()
assert torch.equal(relu(images[test]), appris["Convolutif, plus forte réponse"](images[test]))
print("Le modèle relu donne les mêmes sorties.")
