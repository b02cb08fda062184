"""What a rule finds: where, which rule, what is wrong and how to mend it, in French for the author."""

from __future__ import annotations

from dataclasses import dataclass

GUIDE_FOLDER = "book/contribuer/regles"
# Every rule, under the page of the guide that tells why, what to avoid and what to write.
GUIDE = {
    "en-tete": ("lecture", "en-tete", "donnees"),
    "parties": ("parties", "titres", "table-des-matieres"),
    "exercices": ("exercices", "quiz"),
    "texte": ("orthographe", "typographie", "nombre-saisi", "a-completer"),
    "liens": ("lien-mort", "entree", "terme-inconnu", "texte-de-remplacement", "legende", "fichier-lourd"),
    "code": (
        "verification", "resultat-non-verifie", "cellule-longue", "reseau", "chemin-absolu", "graine",
        "horloge", "style",
    ),
    "sorties": ("figure", "figure-vide", "tableau", "avertissement", "sortie-lourde", "image-lourde"),
}  # fmt: skip
# Rules that stop neither the build nor a preview; they are settled before a chapter is published.
ADVICE = frozenset({"a-completer", "nombre-saisi", "orthographe", "resultat-non-verifie", "style"})

MEND = "corrigez cette ligne."  # the remedy where the message says all


def page(rule: str) -> str:
    """The page of the guide that holds a rule. Raises KeyError for a name that is no rule."""
    pages = {name: page for page, names in GUIDE.items() for name in names}
    return f"{GUIDE_FOLDER}/{pages[rule]}.md"


@dataclass(frozen=True, order=True)
class Finding:
    """One breach of the contract; `str()` gives `file:line  rule  message  → remedy`."""

    file: str
    line: int
    rule: str
    message: str
    remedy: str

    @property
    def blocking(self) -> bool:
        """Whether it stops the build; if not, it is an advice."""
        return self.rule not in ADVICE

    def __str__(self) -> str:
        return f"{self.file}:{self.line}  {self.rule}  {self.message}  → {self.remedy}"
