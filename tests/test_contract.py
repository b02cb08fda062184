"""The contract: each rule fires on its breach, at the right line, and stays silent on a sound chapter."""

from __future__ import annotations

import pytest

from ssphub_book import chapters, contract, execution


def findings(root) -> list[contract.Finding]:
    return contract.check_book(chapters.find(root), root)


def test_a_sound_chapter_has_no_finding(small_book):
    assert findings(small_book) == []


BREACHES = [
    ("  niveau: débutant\n", "", "en-tete", "« niveau » manque"),
    ("niveau: débutant", "niveau: facile", "en-tete", "« niveau » n'est pas admise"),
    ("duree: 5", "duree: cinq", "en-tete", "« duree » n'est pas admise"),
    ("duree: 5", "duree: 5\n  durée: 5", "en-tete", "« durée » est inconnue"),
    ("chapitre:", "chapitr:", "en-tete", "« chapitre: » manque"),
    ("format_name: myst", "format_name: autre", "en-tete", "rien ne s'exécuterait"),
    ("prerequis: []", "prerequis: [essais/absent]", "en-tete", "« essais/absent »"),
    ("memoire: 2Gi", "memoire: deux", "en-tete", "« sspcloud » n'est pas admise"),
    ("objectifs: [compter,", "objectifs: [compter\n  x: ,", "lecture", "en-tête illisible"),
    ("[verification, remove-cell]", "[verification", "lecture", "YAML lisible"),
    ("## Les pièges", "## Des pieges", "parties", "« ## Les pièges » manque"),
    ("donnees: [petit]", "donnees: [petit, absent]", "donnees", "« absent » n'existe pas"),
    ("donnees: [petit]", "donnees: []", "donnees", "ne déclare pas"),
    ("## Les pièges", "## Des pièges", "parties", "« ## Les pièges » manque"),
    ("# Un et un", "## Un et un", "parties", "0 titres de niveau 1"),
    (":class: essentiel", ":class: note", "parties", "« L'essentiel » manque"),
    ("### Exercice 3", "### Encore 3", "exercices", "2 exercice(s)"),
    (":tags: [controle]", ":tags: [autre]", "exercices", "il manque controle"),
    ("verifier(exercice_2", "print(exercice_2", "exercices", "n'appelle pas verifier"),
    ("eprouver(exercice_2", "print(exercice_2", "exercices", "eprouver(exercice_2"),
    ("{dropdown} Indice", "{dropdown} Aide", "exercices", "Indice"),
    ("### Question 3", "### Encore 3", "quiz", "2 question(s)"),
    ("{dropdown} Réponse", "{dropdown} Autre", "quiz", "pas de réponse"),
    ("- A. Un\n- B. Deux", "A ou B ?", "quiz", "au moins deux choix"),
    ("- A. Un\n", "", "quiz", "commencer par « - A. »"),
    ("- B. Deux", "- C. Deux", "quiz", "commencer par « - B. »"),
    ("- B. Deux", "- Deux", "quiz", "commencer par « - B. »"),
    ("- B. Deux", "- B.", "quiz", "commencer par « - B. »"),
    ("**B.** A", "B. A", "quiz", "lettre en gras"),
    ("**B.** A oublie d'additionner.", "**B.**", "quiz", "lettre en gras"),
    ("**B.** A oublie d'additionner.\n", "", "quiz", "lettre en gras"),
    ("**B.** A", "**C.** A", "quiz", "n'est pas un des choix"),
    ("assert valeur == 2", "valeur == 2", "verification", "aucune cellule"),
    ("[verification, remove-cell]", "[verification]", "verification", "remove-cell"),
    ("valeur\n```", "valeur\n" * 31 + "```", "cellule-longue", "38 lignes"),
    ("valeur\n```", "plt.show()\n```", "figure", "sans texte de remplacement"),
]


@pytest.mark.parametrize(("old", "new", "rule", "message"), BREACHES, ids=[b[3] for b in BREACHES])
def test_each_breach_is_found(small_book, small_chapter, edit, old, new, rule, message):
    edit(small_chapter, old, new)
    found = [f for f in findings(small_book) if f.rule == rule]
    assert any(message in str(f) for f in found), found
    assert all(f.file == "notebooks/essais/un-et-un.md" and f.line >= 1 for f in found)


def test_a_finding_bears_the_line_of_its_key(small_book, small_chapter, edit):
    edit(small_chapter, "niveau: débutant", "niveau: facile")
    line = small_chapter.read_text().splitlines().index("  niveau: facile") + 1
    assert [f.line for f in findings(small_book)] == [line]


@pytest.mark.parametrize(
    ("old", "new"),
    [("- B. Deux", "- D. Deux"), ("**B.** A oublie", "A oublie"), ("**B.** A oublie", "**Z.** A")],
)
def test_a_finding_on_a_question_bears_the_line_to_mend(small_book, small_chapter, edit, old, new):
    edit(small_chapter, old, new)
    lines = small_chapter.read_text().splitlines()
    (finding,) = findings(small_book)
    assert lines[finding.line - 1].startswith(new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("- A. Un\n", "- A. `Un`, qui tient\n  sur deux lignes\n"),
        ("```{dropdown} Réponse\n", "```{dropdown} Réponse\n:open:\n\n"),
        (
            "```{dropdown} Réponse\n**B.** A oublie d'additionner.\n```",
            ":::{dropdown} Réponse\n**B.** Oui.\n:::",
        ),
    ],
)
def test_other_sound_questions(small_book, small_chapter, edit, old, new):
    edit(small_chapter, old, new)
    assert findings(small_book) == []


def test_parts_out_of_order(small_book, small_chapter, edit):
    edit(small_chapter, "## En production", "## X")
    edit(small_chapter, "## Les pièges", "## En production")
    edit(small_chapter, "## X", "## Les pièges")
    assert any("doit venir avant" in f.message for f in findings(small_book))


def test_a_skipped_heading_level(small_book, small_chapter, edit):
    edit(small_chapter, "Un piège.", "#### Trop bas\n\nUn piège.")
    assert [f.rule for f in findings(small_book)] == ["titres"]


def test_a_chapter_outside_the_table_of_contents(small_book):
    (small_book / "_toc.yml").write_text("format: jb-book\nroot: book/index\n")
    assert [f.rule for f in findings(small_book)] == ["table-des-matieres"]


def test_a_table_of_contents_that_names_nothing(small_book, edit):
    edit(small_book / "_toc.yml", "- file: notebooks", "- file: notebooks/essais/absent\n- file: notebooks")
    (finding,) = findings(small_book)
    assert (finding.file, finding.line) == ("_toc.yml", 4)


ALT = """valeur
```

```{code-cell} ipython3
---
mystnb:
  image:
    alt: %s
  figure:
    caption: Une légende.
---
plt.show()
```"""


@pytest.mark.parametrize("alt", ["Graphique", "figure 1", "courbe.png"])
def test_an_alternative_text_that_says_nothing(small_book, small_chapter, edit, alt):
    edit(small_chapter, "valeur\n```", ALT % alt)
    assert any("ne dit rien" in f.message for f in findings(small_book))


def test_a_good_alternative_text(small_book, small_chapter, edit):
    edit(small_chapter, "from cahiers", "import matplotlib.pyplot as plt\nfrom cahiers")
    edit(small_chapter, "valeur\n```", ALT % "Courbe croissante de zéro à deux.")
    assert findings(small_book) == []


OUTPUTS = [
    ("import pandas as pd\n\npd.DataFrame({'a': [1]})", "tableau"),
    ("import matplotlib.pyplot as plt\n\nplt.plot([1, 2]);", "figure"),
    ("import sys\n\nprint('attention', file=sys.stderr)", "avertissement"),
]


@pytest.mark.parametrize(("code", "rule"), OUTPUTS)
def test_outputs_that_need_a_mend(small_book, small_chapter, edit, code, rule):
    edit(small_chapter, "valeur\n```", f"{code}\n```")
    (run,) = execution.execute(chapters.find(small_book)).values()
    found = contract.check_outputs(run.chapter, run.notebook)
    assert {f.rule for f in found} == {rule}
    assert {f.line for f in found} == {run.chapter.cells[0].line}


def test_a_part_under_another_title_bears_its_line(small_book, small_chapter, edit):
    edit(small_chapter, "## Les pièges", "## Quelques pièges")
    (finding,) = findings(small_book)
    assert small_chapter.read_text().splitlines()[finding.line - 1] == "## Quelques pièges"
