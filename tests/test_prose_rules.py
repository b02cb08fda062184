"""The rules on prose: each fires on its breach, on the right line, and lets sound French through."""

from __future__ import annotations

import re
import unicodedata

import nbformat
import pytest

from ssphub_book import chapters, contract, publication
from ssphub_book.contract import dictionary, numbers, prose

PLACE = "Un piège.\n"


@pytest.fixture
def found(small_book, small_chapter, edit):
    """`found(text)`: (rule, line within the text, message) of the findings on a text put in the chapter."""

    def check(text: str, place: str = PLACE) -> list[tuple[str, int, str]]:
        start = small_chapter.read_text(encoding="utf-8").split(place)[0].count("\n")
        edit(small_chapter, place, text)
        findings = contract.check_book(chapters.find(small_book), small_book)
        return [(f.rule, f.line - start, f"{f.message} {f.remedy}") for f in findings]

    return check


def rules(findings) -> list[str]:
    return [rule for rule, _, _ in findings]


# --- the reader -------------------------------------------------------------------------------


def read(small_chapter, text: str) -> prose.Page:
    small_chapter.write_text(text, encoding="utf-8")
    return prose.read(chapters.read(small_chapter.parent.parent.parent, small_chapter))


def test_what_is_no_prose_is_left_out(small_chapter):
    page = read(
        small_chapter,
        "# Titre\n\nAvant `code` $x$ {en}`word` {glue:text}`cle:.1f` <https://exemple.fr/mot> après\n\n"
        "% un commentaire\n\n```python\nprint(1)\n```\n\n```{code-cell}\nprint(2)\n```\n\n"
        "$$\ny\n$$\n\n<div>balise</div>\n\n````markdown\nUn exemple.\n````\n",
    )
    texts = [passage.text.replace(prose.OBJECT, "_") for passage in page.passages]
    assert texts == ["Titre", "Avant _ _ _ _ _ après"]


def test_what_a_role_shows_is_prose_and_its_target_is_not(small_chapter):
    page = read(
        small_chapter, "{term}`notebook` {term}`des notebooks <notebook>` {ref}`la suite <fin>` {ref}`fin`\n"
    )
    assert page.passages[0].text == f"notebook des notebooks la suite {prose.OBJECT}"
    assert [(link.kind, link.target) for link in page.links] == [
        ("term", "notebook"), ("term", "notebook"), ("ref", "fin"), ("ref", "fin"),
    ]  # fmt: skip


NESTED = """\
---
description: |
  Une page
  à motx un.
chapitre:
  objectifs:
    - lire
    - mal motx deux
---
# Titre

Un paragraphe `de
code` puis
motx trois.

> Une citation
> et motx quatre.

::::{container} cadre
:::{admonition} Un motx cinq
:class: note

- point
- autre

  ```{dropdown} Indice
  motx six
  ```
:::
::::

```{table} Légende motx sept
| a | b |
| --- | --- |
| un | motx huit |
```

```{figure} schema.png
---
name: schema
alt: Un dessin
  avec motx neuf
---
Légende
et motx dix
```

```{code-cell} ipython3
---
mystnb:
  image:
    alt: >
      Une figure
      motx onze
  figure:
    caption: |
      Source
      motx douze
tableau: "Un tableau motx treize"
---
motx
```

Terme
: Définition
  et motx quatorze.

Note[^a].

[^a]: La motx quinze.
"""


def test_every_word_is_on_its_line(small_chapter):
    page = read(small_chapter, NESTED)
    seen = [
        passage.line_at(match.start())
        for passage in page.passages
        for match in re.finditer("motx", passage.text)
    ]
    expected = [n for n, line in enumerate(NESTED.splitlines(), 1) if re.search(r"motx \w", line)]
    assert sorted(seen) == expected and len(expected) == 15
    assert page.targets == {"schema"} and page.bare_tables == []


def test_the_front_matter_needs_not_be_sound(small_chapter):
    page = read(small_chapter, "---\nname: [a\n---\n\nTexte\n")
    assert [passage.text for passage in page.passages] == ["Texte"]


# --- spelling ---------------------------------------------------------------------------------


def test_an_unknown_word_is_told_once_with_its_count_and_its_remedy(found):
    [(rule, line, message)] = found("Le metier.\n\nUn metier, des metiers et l'ordinateurr.\n")[:1]
    assert (rule, line) == ("orthographe", 1)
    assert "« metier »" in message and "2 fois" in message and "écrivez « métier »" in message
    assert "ssphub_book/contract/dictionnaire/mots.txt" in message


def test_each_unknown_word_has_its_line(found):
    lines = [(line, message.split(" »")[0]) for _, line, message in found("Le metier.\n\nL'ordinateurr.\n")]
    assert lines == [(1, "« metier"), (3, "« ordinateurr")]


SOUND = [
    "Aujourd'hui, quelqu'un de l'Insee relit jusqu'à la dernière ligne, c'est-à-dire y va-t-il ?",
    "Les statisticien·ne·s, les agent·e·s et l’équipe travaillent au 2e étage, au 1er rang, 12 h 30, 3 km.",
    "Le fichier donnees.csv, la fonction read_csv, DataFrame, les SSM et le F1 ne sont pas des mots.",
    "Un programme et/ou un sous-dossier ; la non-réponse ; un notebook, des Notebooks.",
    "Voir www.exemple.fr/qsdf ou ecrire@exemple.fr, dans /etc/qsdf.",
]


def test_names_of_authors_are_admitted_among_the_references_alone(small_book, small_chapter, edit):
    edit(small_chapter, "Un cas.", "Un cas de Qsdfgh.")
    edit(small_chapter, "Une source.", "Une source de Wxcvbn, et un metierr.")
    findings = contract.check_book(chapters.find(small_book), small_book)
    words = [f.message.split(" »")[0] for f in findings if f.rule == "orthographe"]
    assert words == ["« Qsdfgh", "« metierr"]


@pytest.mark.parametrize("text", SOUND)
def test_sound_french_passes(found, text):
    assert found(f"{text}\n") == []


def test_a_word_in_english_is_marked_and_an_option_is_read(found):
    assert found("Le mot {en}`shuffling` et le code `shuffling`.\n") == []


def test_captions_and_objectives_are_spelt(small_book, small_chapter, edit):
    edit(small_chapter, "objectifs: [compter,", "objectifs: [compter les metiers,")
    edit(
        small_chapter,
        "tags: [verification, remove-cell]\n",
        'tags: [verification, remove-cell]\ntableau: "Un metierr"\n',
    )
    findings = contract.check_book(chapters.find(small_book), small_book)
    assert [(f.rule, f.line) for f in findings] == [("orthographe", 14), ("orthographe", 47)]
    assert not any(finding.blocking for finding in findings)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("metier", ["métier"]),
        ("Etat", ["État"]),
        ("coeur", ["cœur"]),
        ("eleve", ["élève", "élevé"]),
        ("xqzkw", []),
    ],
)
def test_accents_are_suggested_first(word, expected):
    assert set(expected) <= set(dictionary.suggestions(word)) and len(dictionary.suggestions(word)) <= 3
    assert bool(dictionary.suggestions(word)) == bool(expected)


def test_the_list_is_sorted_and_needed():
    sections, words = dictionary.OWN_LIST.read_text(encoding="utf-8").split("\n\n"), dictionary.own_words()
    for section in sections[1:]:
        title, *listed = section.splitlines()
        plain = [unicodedata.normalize("NFKD", w.casefold()).encode("ascii", "ignore") for w in listed]
        assert title.startswith("# ") and plain == sorted(plain), title
    assert [word for word in words if dictionary._hunspell().spell(word)] == []


def test_without_the_dictionary_one_line_says_so(found, monkeypatch):
    monkeypatch.setattr(dictionary, "_hunspell", lambda: None)
    dictionary.admits.cache_clear()
    [(rule, _, message)] = found("Le metierz.\n")
    assert rule == "orthographe" and "chunspell" in message


# --- typography -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        'Un "mot" cité.',
        "Un mot...",
        "Un début, etc…",
        "Un  mot.",
        "Un mot , puis.",
        "Un mot .",
        "Un mot,puis deux.",
        "Une fin.Une suite.",
        "Un mot: deux.",
        "Quoi?",
        "Un `code`: deux.",
        "Un «mot» cité.",
        "A partir de là.",
        "Fin. A la fin.",
        "L'Etat.",
        "Les Etudes.",
        "Le coeur.",
        "Le nº 4.",
        "Le no 4.",
        "La 1ère.",
        "Le 2ème rang.",
    ],
)
def test_each_fault_of_typography_is_found(found, text):
    assert set(rules(found(f"Une ligne.\n{text}\n"))) == {"typographie"}


@pytest.mark.parametrize(
    "text",
    [
        "Un « mot » : deux ; trois ? Oui !",
        "Un mot… etc.",
        "Un rapport de 3:1, à 10:30, soit 2,5 %.",
        "Voir https://exemple.fr/a?b=c;d et ssphub.fr.",
        "A et B sont deux choix ; A oublie B.",
        "Quoi ?!",
        "Le 1er, la 1re, le 2e, le n° 4.",
        "Un `code` : deux, (`x`), `y`.",
        "Le coefficient et le poète.",
        'Écran de 27".',
        "Il a la parole.",
        "De 2 à 3, etc.)",
        "{en}`What? A title: yes`, dit-on.",
        "Un chemin ../data/a.csv, oui.",
    ],
)
def test_sound_typography_passes(found, text):
    assert [f for f in found(f"{text}\n") if f[0] == "typographie"] == []


def test_a_fault_is_on_its_line_and_is_no_advice(small_book, small_chapter, edit):
    edit(small_chapter, PLACE, "```{note}\nUn mot.\n\nUn autre\nmot: deux.\n```\n")
    [finding] = contract.check_book(chapters.find(small_book), small_book)
    assert small_chapter.read_text(encoding="utf-8").splitlines()[finding.line - 1] == "mot: deux."
    assert finding.blocking


# --- typed numbers ----------------------------------------------------------------------------

CHECKED = """\
```{{code-cell}} ipython3
---
tags: [verification, remove-cell]
---
assert valeur + 1 == 3 and round(valeur / 7, 3) == 0.286 and 12345 + valeur > 0
```

{text}
"""


@pytest.mark.parametrize("text", ["Soit 28,6 % du total.", "Soit 0,286.", "Soit 12 345 habitants."])
def test_a_typed_number_that_a_check_asserts_is_found(found, text):
    assert [(rule, line) for rule, line, _ in found(CHECKED.format(text=text))] == [("nombre-saisi", 8)]


@pytest.mark.parametrize(
    "text",
    ["Soit 3 communes.", "En 2024.", "Soit 28,7 %.", "Version 0.286.", "Au n° 12345.", "Soit `0,286`."],
)
def test_other_numbers_pass(found, text):
    assert found(CHECKED.format(text=text)) == []


def test_a_parameter_of_the_code_is_no_result(found):
    text = CHECKED.format(text="Soit 0,286.") + "\n```{code-cell} ipython3\nseuil = 0.286\n```\n"
    assert found(text) == []


def test_the_quiz_reasons_on_its_own_numbers(found):
    assert found(CHECKED.format(text="") + "\n## Quiz\n\nSoit 0,286.\n\n", "## Quiz\n\n") == []


def executed(chapter: chapters.Chapter, *outputs: dict) -> nbformat.NotebookNode:
    """The notebook of the chapter, whose first cell gave these outputs."""
    cells = [nbformat.v4.new_code_cell(cell.source) for cell in chapter.cells]
    cells[0].outputs = [nbformat.from_dict(output) for output in outputs]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.mark.parametrize(
    ("output", "source"),
    [
        (
            {
                "output_type": "display_data",
                "metadata": {"scrapbook": {"name": "part"}},
                "data": {numbers.GLUED: "0.17654"},
            },
            "glue : part",
        ),
        ({"output_type": "stream", "name": "stdout", "text": "part : 17,68 %\n"}, "affiché par la cellule"),
        (
            {
                "output_type": "execute_result",
                "execution_count": 1,
                "metadata": {},
                "data": {"text/plain": "   part\n0  17.68"},
            },
            "affiché",
        ),
    ],
)
def test_an_execution_tells_more_numbers(small_book, small_chapter, edit, output, source):
    edit(small_chapter, PLACE, "Soit 17,7 % des communes, et 18,9 % des autres.\n")
    chapter = chapters.read(small_book, small_chapter)
    assert list(numbers.check_numbers(chapter)) == []
    [finding] = contract.check(chapter, {"notebooks/essais/un-et-un"}, executed(chapter, output))
    assert finding.rule == "nombre-saisi" and "« 17,7 % »" in finding.message and source in finding.message


def test_what_a_cell_measures_is_no_result(small_book, small_chapter, edit):
    edit(small_chapter, PLACE, "Soit 17,7 % des communes.\n")
    edit(
        small_chapter,
        "{code-cell} ipython3\nimport sys",
        "{code-cell} ipython3\n:tags: [mesure]\n\nimport sys",
    )
    chapter = chapters.read(small_book, small_chapter)
    output = {"output_type": "stream", "name": "stdout", "text": "0.177 s\n"}
    assert list(numbers.check_numbers(chapter, executed(chapter, output))) == []


# --- links, images, tables --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("[a](absent.md)", "part du dossier"),
        ("[a](../../book/indx.md)", "../../book/index.md"),
        ("[a](#rien)", "(nom)="),
        ("[a](../../book/index.md#bonjour)", "(nom)="),
        ("{doc}`../../book/indx`", "../../book/index"),
        ("{ref}`rien`", "(nom)="),
        ("{download}`../data/petit/valeurs.csv`", "../data/petit/valeur.csv"),
        ("![Deux nombres réunis](schemas.png)", "schema.png"),
        ("[a](un-et-deux.md)", "un-et-un.md"),
    ],
)
def test_a_dead_link_is_found_with_what_is_near(found, text, remedy):
    [(rule, line, message)] = found(f"Une ligne\net {text} ici.\n")
    assert (rule, line) == ("lien-mort", 2) and remedy in message


@pytest.mark.parametrize(
    "text",
    [
        "[a](../../book/index.md)",
        "[a](../../book/index)",
        "[a](/book/index.md)",
        "{doc}`../../book/index`",
        "[a](../data/petit/valeur.csv)",
        "{download}`../data/petit/valeur.csv`",
        "[a](https://exemple.fr/absent.md)",
        "[a](mailto:a@exemple.fr)",
        "{ref}`la suite <suite>`\n\n(suite)=\n### Suite",
        "[a](suite)\n\n(suite)=\n### Suite",
        "[a](#suite)\n\n(suite)=\n### Suite",
        "![Deux nombres réunis](schema.png)",
        "Un `[a](absent.md)`",
    ],
)
def test_a_link_that_leads_somewhere_passes(found, text):
    assert found(f"{text}\n") == []


def test_headings_are_anchors_where_the_configuration_says_so(small_book, found, edit):
    edit(small_book / "_config.yml", "    language: fr", "    language: fr\n    myst_heading_anchors: 3")
    assert found("[a](#les-pièges) et [b](../../book/index.md#petit-livre)\n") == []


def test_a_label_may_be_on_another_page(small_book, found, edit):
    edit(small_book / "book/index.md", "Bonjour.", "(ailleurs)=\n## Ailleurs")
    assert found("[a](ailleurs) et {ref}`ailleurs`\n") == []


def test_a_term_is_in_the_glossary(small_book, found):
    [(rule, line, message)] = found(
        "Un {term}`Notebook`,\nun {term}`des notebooks <notebook>`,\nun {term}`note`.\n"
    )
    assert (rule, line) == ("terme-inconnu", 3) and "« notebook »" in message


def test_a_book_without_glossary_defines_no_term(small_book, found):
    (small_book / "book/annexes/glossaire.md").unlink()
    assert rules(found("Un {term}`notebook`.\n")) == ["terme-inconnu"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![](schema.png)", ["texte-de-remplacement"]),
        ("![schéma](schema.png)", ["texte-de-remplacement"]),
        ("```{image} schema.png\n```", ["texte-de-remplacement"]),
        ("```{image} schema.png\n:alt: Deux nombres réunis\n```", []),
        ("```{figure} schema.png\n:alt: Deux nombres réunis\n```", ["legende"]),
        ("```{figure} schema.png\n:alt: Deux nombres réunis\n\nUne addition.\n```", []),
        ('<img src="schema.png" alt="">', ["texte-de-remplacement"]),
        ("| a | b |\n| --- | --- |\n| c | d |", ["legende"]),
        ("```{table}\n| a | b |\n| --- | --- |\n| c | d |\n```", ["legende"]),
        ("```{table} Des lettres\n| a | b |\n| --- | --- |\n| c | d |\n```", []),
        ("![Deux nombres réunis](photo.png)", ["fichier-lourd"]),
    ],
)
def test_images_and_tables(found, text, expected):
    assert rules(found(f"{text}\n")) == expected


# --- pages, drafts, the book ------------------------------------------------------------------


def test_the_pages_that_are_no_chapter_are_checked_too(small_book, edit):
    edit(small_book / "book/index.md", "Bonjour.", "### Le metier: un\n\n# Autre titre\n\n[a](absent.md)")
    findings = contract.check_book(chapters.find(small_book), small_book)
    assert [(f.rule, f.line) for f in findings] == [
        ("lien-mort", 7), ("orthographe", 3), ("titres", 3), ("titres", 5), ("typographie", 3),
    ] or {(f.rule, f.line) for f in findings} == {
        ("lien-mort", 7), ("orthographe", 3), ("titres", 3), ("titres", 5), ("typographie", 3),
    }  # fmt: skip


def test_what_is_left_to_write_is_told_wherever_it_is(small_book, small_chapter, edit):
    edit(small_chapter, "duree: 5", "duree: 5  # À ÉCRIRE : la durée")
    edit(small_chapter, PLACE, "*À ÉCRIRE : un piège.*\n\nLes mots `À ÉCRIRE` marquent la suite.\n")
    edit(small_chapter, "double_1 = ...", "double_1 = ...  # À ÉCRIRE : le double")
    findings = contract.check_book(chapters.find(small_book), small_book)
    lines = [n for n, line in enumerate(small_chapter.read_text().splitlines(), 1) if "À ÉCRIRE :" in line]
    assert [(f.rule, f.line) for f in findings] == [("a-completer", line) for line in lines]
    assert len(lines) == 3 and not any(finding.blocking for finding in findings)


def test_advice_stops_no_build():
    advice = contract.Finding("a.md", 1, "orthographe", "un mot.", "corrigez-le.")
    publication._refuse([advice], "a des mots à corriger")
    breach = contract.Finding("a.md", 1, "typographie", "un signe.", "corrigez-le.")
    with pytest.raises(publication.BuildError, match=r"1 point\(s\)") as error:
        publication._refuse([advice, breach], "a des signes à corriger")
    assert "un mot" not in str(error.value)


NAME = "La colonne nbpers compte les personnes.\n"


def test_a_name_that_no_code_holds_is_unknown(found):
    assert rules(found(NAME)) == ["orthographe"]


def test_a_name_that_the_code_holds_is_no_prose(found, small_chapter, edit):
    edit(small_chapter, "assert valeur == 2", 'assert valeur == 2 and "nbpers"')
    assert found(NAME) == []
