"""French typography: what is changed, what is left alone, on text and on a whole document."""

import re
from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

from ssphub_book.sphinx import typography
from ssphub_book.sphinx.typography import french, french_line, french_number
from tests.conftest import sphinx_build

T, N = "\u202f", "\u00a0"

CHANGED = [
    ("Quoi ?", f"Quoi{T}?"),
    ("Quoi?", f"Quoi{T}?"),
    ("Vraiment ?!", f"Vraiment{T}?!"),
    ("Un ; deux", f"Un{T}; deux"),
    ("Un; deux", f"Un{T}; deux"),
    ("Halte !", f"Halte{T}!"),
    ("(vraiment ?)", f"(vraiment{T}?)"),
    ("Liste : un", f"Liste{N}: un"),
    ("Liste: un", f"Liste{N}: un"),
    ("à 10 h 30 : départ", f"à 10 h 30{N}: départ"),
    ("fin :", f"fin{N}:"),
    ("« mot »", f"«{N}mot{N}»"),
    ("«mot»", f"«{N}mot{N}»"),
    ("« Quoi ? »", f"«{N}Quoi{T}?{N}»"),
    ("l'enquête", "l’enquête"),
    ("L'Haÿ", "L’Haÿ"),
    ("aujourd'hui qu'il", "aujourd’hui qu’il"),
    ("d'1 an", "d’1 an"),
    ("l'« objet »", f"l’«{N}objet{N}»"),
    ("et cetera...", "et cetera…"),
    ("[...]", "[…]"),
    ("non... si", "non… si"),
    ("soit 22,9 % du total", f"soit 22,9{T}% du total"),
    ("soit 22,9% du total", f"soit 22,9{T}% du total"),
    ("34 730 communes", f"34{T}730 communes"),
    ("1 234 567 habitants", f"1{T}234{T}567 habitants"),
    ("à partir de 10 000.", f"à partir de 10{T}000."),
    ("12 € par mois", f"12{T}€ par mois"),
    ("voir n° 12", f"voir n°{N}12"),
    ("voir https://example.org : oui", f"voir https://example.org{N}: oui"),
    ("voir https://example.org ; oui", f"voir https://example.org{T}; oui"),
]
KEPT = [
    "à 10:30 précises",
    "un rapport de 3:1 ou 16:9",
    "https://example.org/a?b=c;d:e!f",
    "https://example.org/l'objet",
    "file:///tmp/a",
    "adresse a.b@example.org",
    "std::sort",
    "clé:valeur",
    "../data/x.csv et .../x",
    "/usr/bin/env",
    "C:\\temp",
    "les années 2021 123",
    "version 10 000.1",
    "le code 01 001",
    "3.11.2",
    "v1.2...v1.3",
    "%d et %(nom)s",
    "the users' data",
    "'mot' cité",
    "",
    " ",
    ":",
    "?",
    "a b c",
    "1,5 et 2,5",
    "12.5 points",
]
NUMBERS = [
    ("8e-06", "8\u00a0×\u00a010⁻⁶"),
    ("-1.5e+12", "−1,5\u00a0×\u00a010¹²"),
    ("0.000000e+00", "0"),
    ("34,730", f"34{T}730"),
    ("1,234,567", f"1{T}234{T}567"),
    ("1,234.56", f"1{T}234,56"),
    ("22.9", "22,9"),
    ("22.9%", f"22,9{T}%"),
    ("22.9 %", f"22,9{T}%"),
    ("3%", f"3{T}%"),
    ("-3", "−3"),
    ("-3.5", "−3,5"),
    ("+2.5", "+2,5"),
    ("(12.0, 15.5]", f"]12,0{T};{N}15,5]"),
    ("[0.0, 1.0)", f"[0,0{T};{N}1,0["),
    ("12.3 Mo", f"12,3{N}Mo"),
    ("0.5 s", f"0,5{N}s"),
    ("12.5 à 14.5", "12,5 à 14,5"),
]
NOT_NUMBERS = [
    "2021",
    "34730",
    "75056",
    "01001",
    "2A004",
    "3.11.2",
    "1.9.1",
    "Python 3.11",
    "v3.11",
    "2023-01-01",
    "10:30",
    "192.168.0.1",
    "1,2,3",
    "0,058",  # French already: no thousands begin by a zero
    "12,5",
    "47.11F",
    "1e-05 et 2e-05",
    "a1e-05",
    "3/4",
    "12-15",
    "texte",
    "",
    "nan",
    "0.5x",
]


@pytest.mark.parametrize(("text", "expected"), CHANGED)
def test_changed(text, expected):
    assert french(text) == expected


@pytest.mark.parametrize("text", KEPT)
def test_kept(text):
    assert french(text) == text


@pytest.mark.parametrize(("text", "expected"), NUMBERS)
def test_number(text, expected):
    assert french_number(text) == expected


@pytest.mark.parametrize("text", NOT_NUMBERS)
def test_not_a_number(text):
    assert french_number(text) == text


PIECES = [text for text, _ in CHANGED] + KEPT + ['un "mot" cité']


@pytest.mark.parametrize("first", PIECES)
def test_idempotent_and_loses_nothing(first):
    """On any two pieces side by side: applied twice it changes no more; only spaces are added."""

    def bare(value):
        for old, new in (("’", "'"), ("…", "...")):
            value = value.replace(old, new)
        return "".join(c for c in value if not c.isspace() and c not in "«»\"'")

    for second in PIECES:
        text = f"{first} {second}"
        once = french_line(text)
        assert french_line(once) == once
        assert bare(once) == bare(text)


@pytest.mark.parametrize(("text", "_"), NUMBERS)
def test_number_idempotent(text, _):
    once = french_number(text)
    assert french_number(once) == once


def test_every_integer_and_its_decimal_form():
    for value in [*range(1000), *range(1000, 3000, 7), 123456, 1234567]:
        plain = str(value)
        assert french_number(plain) == plain
        grouped = f"{value:,}"
        assert french_number(grouped) == grouped.replace(",", T)
        assert french_number(f"{value:,.2f}") == grouped.replace(",", T) + ",00"
        assert french_number(f"{-value - 1:,.1f}").startswith("−")


def test_quotes_only_in_pairs():
    assert french_line('un "mot" cité') == f"un «{N}mot{N}» cité"
    assert french_line('un écran de 5" large') == 'un écran de 5" large'


def test_neighbours_are_context_only():
    assert french("l'", "", "\ufffc") == "l’"  # l'`objet`
    assert french(" : suite", "\ufffc", "") == f"{N}: suite"  # `objet` : suite
    assert french("?", "\ufffc", "") == f"{T}?"
    assert french("mot", "", "?") == "mot"
    assert french("mot ", "", "?") == f"mot{T}"


# --- on a document ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A tiny book built by Sphinx alone: no notebook, no theme of ours."""
    source = tmp_path_factory.mktemp("typography")
    (source / "index.md").write_text(
        """---
chapitre:
  question: 'Comment faire : "bien" ?'
---
# L'essentiel : pourquoi ?

L'objet `a ; b ? c : "d"` : voir *l'autre* ; l'`objet` ! Et $x'; y ?$ "mot *penché*" fin...

```{admonition} L'idée : simple ?
Contenu !
```

```{figure} i.png
:alt: "L'axe : zéro ; et après ?"

Légende : l'axe !
```

| Outil : nom | Rôle ? |
|---|---|
| l'un | `l'autre ?` |

```python
print("l'un ? : ; !")
```

<https://example.org/l'un?a=b;c>

```{toctree}
:caption: "L'annexe : suite"
autre
```
""",
        encoding="utf8",
    )
    (source / "autre.md").write_text("# D'autres : titres ?\n", encoding="utf8")
    (source / "i.png").write_bytes(
        bytes.fromhex(
            "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
            "0000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
        )
    )
    (source / "conf.py").write_text(
        "extensions = ['myst_parser', 'ssphub_book.sphinx.typography']\n"
        "myst_enable_extensions = ['dollarmath']\nlanguage = 'fr'\nsmartquotes = False\n"
        "html_theme = 'basic'\n",
        encoding="utf8",
    )
    out = source / "out"
    app = sphinx_build(source, out)
    return app, (out / "index.html").read_text(encoding="utf8")


@pytest.mark.parametrize(
    "expected",
    [
        f"<h1>L’essentiel{N}: pourquoi{T}?",
        f"voir <em>l’autre</em>{T}; l’<code",
        f"«{N}mot <em>penché</em>{N}» fin…",
        f"L’idée{N}: simple{T}?",
        f"Contenu{T}!",
        f'alt="L’axe{N}: zéro{T}; et après{T}?"',
        f"Légende{N}: l’axe{T}!",
        f"Outil{N}: nom",
        f"D’autres{N}: titres{T}?",
        f"L’annexe{N}: suite",
    ],
)
def test_document_changed(book, expected):
    assert expected in book[1].replace("&#160;", N)


@pytest.mark.parametrize(
    "expected",
    [
        '<span class="pre">;</span> <span class="pre">b</span> <span class="pre">?</span>',
        '"l\'un ? : ; !"',
        ">https://example.org/l'un?a=b;c</a>",
        r"\(x'; y ?\)",
        '<span class="pre">l\'autre</span>',
    ],
)
def test_document_kept(book, expected):
    assert expected in book[1].replace("&quot;", '"')


def test_titles_of_the_menu(book):
    assert book[0].env.titles["autre"].astext() == f"D’autres{N}: titres{T}?"


def test_front_matter_is_data_and_stays_as_typed(book):
    assert 'Comment faire : \\"bien\\" ?' in str(book[0].env.metadata["index"]["chapitre"])


@pytest.mark.parametrize(
    ("glued", "shown"), [("0.079", "0,079"), ("12.345", "12,345"), ("1,234.567", f"1{T}234,567")]
)
def test_a_glued_number_of_three_decimals_is_read_once(glued, shown):
    """Its comma is that of a thousand for whoever reads it a second time."""
    inline = nodes.inline("", glued, classes=["pasted-text"])
    paragraph = nodes.paragraph("", "Un biais de ", inline, nodes.Text(" point."))
    typography.set_paragraph(paragraph)
    typography.set_paragraph(paragraph)
    document = new_document("")
    document += paragraph
    document.settings.env = SimpleNamespace(config=SimpleNamespace(language="fr"), app=None)
    typography.FrenchPastedNumbers(document).run()
    assert inline.astext() == shown


def test_no_page_shows_a_decimal_part_as_thousands(site):
    broken = re.compile(rf"(?<![\d{T}])0{T}\d{{3}}")
    for page in site.rglob("notebooks/**/*.html"):
        assert not broken.search(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8"))), page
