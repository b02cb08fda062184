"""Tables of cells and of Markdown, made accessible."""

import io

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from ssphub_book.sphinx.tables import rewrite_html, scope_markdown_tables
from tests.conftest import sphinx_build

T = "\u202f"


def soup_of(frame, captions=("Titre. Source : Insee.",), **options):
    html = frame if isinstance(frame, str) else frame.to_html()
    return BeautifulSoup(rewrite_html(html, list(captions), **options), "html.parser")


def grid(soup):
    return [
        [(c.name, c.get_text().strip(), c.get("scope")) for c in row.find_all(["th", "td"])]
        for row in soup.find_all("tr")
    ]


def test_a_power_of_ten_reads_as_one_and_stands_with_the_numbers():
    cells = soup_of(pd.DataFrame({"ecart": ["8e-06", "0e+00"]})).select("td.nombre")
    assert [cell.get_text() for cell in cells] == ["8\u00a0×\u00a010⁻⁶", "0"]


BASE = pd.DataFrame({"region": ["a", "a", "b"], "annee": [2020, 2021, 2021], "v": [1.5, -2.25, 34730.0]})
FRAMES = {
    "plain": BASE,
    "no index": BASE.to_html(index=False),
    "named index": BASE.set_index("region"),
    "two indexes": BASE.set_index(["region", "annee"]),
    "pivot": BASE.pivot_table(index="region", columns="annee", values="v"),
    "pivot of two": BASE.assign(w=1.5).pivot_table(index="region", columns="annee"),
    "columns named, index not": BASE.pivot_table(index="region", columns="annee", values="v").rename_axis(
        index=None
    ),
    "describe": BASE.describe(),
    "crosstab": pd.crosstab(BASE["region"], BASE["annee"], margins=True),
    "styled": BASE.style.format(precision=1).to_html(),
    "truncated": pd.DataFrame({"x": range(100)})._repr_html_(),
    "repr": BASE._repr_html_(),
    "two headers": BASE.groupby("region").agg({"v": ["mean", "sum"]}),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_every_table_is_accessible(frame):
    soup = soup_of(frame)
    assert soup.caption.get_text() == "Titre. Source\u00a0: Insee."
    assert soup.table.find("caption") is next(c for c in soup.table.children if c.name)
    box = soup.table.parent
    assert (box["role"], box["tabindex"]) == ("region", "0")
    assert box["aria-label"] == soup.caption.get_text()
    for cell in soup.find_all("th"):
        assert cell.get_text().strip(), "an empty header"
        expected = {"col", "colgroup"} if cell.find_parent("thead") else {"row", "rowgroup"}
        assert cell["scope"] in expected
    assert not soup.find_all("style")
    assert not [t for t in soup.find_all(True) if {"style", "border", "id"} & set(t.attrs)]
    widths = {sum(int(c.get("colspan", 1)) for c in row.find_all(["th", "td"])) for row in soup("tr")}
    if not soup.find(rowspan=True):
        assert len(widths) == 1, "rows of one width"
    assert "rows" not in soup.get_text()


def test_corner_and_row_headers():
    assert grid(soup_of(FRAMES["plain"]))[:2] == [
        [("td", "", None), ("th", "region", "col"), ("th", "annee", "col"), ("th", "v", "col")],
        [("th", "0", "row"), ("td", "a", None), ("td", "2020", None), ("td", "1,50", None)],
    ]


def test_name_of_the_index_joins_the_headers():
    assert grid(soup_of(FRAMES["named index"]))[0] == [
        ("th", "region", "col"),
        ("th", "annee", "col"),
        ("th", "v", "col"),
    ]


def test_name_of_the_columns_goes_above_them():
    for name, first in (("pivot", "region"), ("columns named, index not", "")):
        rows = grid(soup_of(FRAMES[name]))
        assert rows[0] == [("td", "", None), ("th", "annee", "colgroup")]
        assert [c[1] for c in rows[1]] == [first, "2020", "2021"]


def test_two_levels_of_headers():
    rows = grid(soup_of(FRAMES["two headers"]))
    assert rows[0] == [("td", "", None), ("th", "v", "colgroup")]
    assert [c[:2] for c in rows[1]] == [("th", "region"), ("th", "mean"), ("th", "sum")]


def test_numbers():
    frame = pd.DataFrame(
        {
            "grand": ["34,730", "1,234,567"],
            "decimal": [3.14, -2.5],
            "taux": ["22.9%", "3%"],
            "annee": [2021, 1999],
            "code": ["01001", "2A004"],
            "version": ["1.9.1", "v3.11"],
            "nom": ["L'Haÿ-les-Roses", "Lyon : 1er"],
        }
    )
    soup = soup_of(frame.to_html(index=False))
    cells = [[c.get_text() for c in row.find_all("td")] for row in soup.tbody.find_all("tr")]
    assert cells == [
        [f"34{T}730", "3,14", f"22,9{T}%", "2021", "01001", "1.9.1", "L’Haÿ-les-Roses"],
        [f"1{T}234{T}567", "−2,50", f"3{T}%", "1999", "2A004", "v3.11", "Lyon\u00a0: 1er"],
    ]
    numeric = [bool("nombre" in c.get("class", [])) for c in soup.tbody.tr.find_all("td")]
    assert numeric[:5] == [True] * 5 and not numeric[-1]


def test_raw_numbers():
    html = pd.DataFrame({"version": ["3.11"]}).to_html(index=False)
    assert soup_of(html, raw=True).td.get_text() == "3.11"
    assert soup_of(html).td.get_text() == "3,11"


def test_size_of_a_truncated_table_is_in_french():
    assert soup_of(FRAMES["truncated"]).find(class_="tableau-taille").get_text() == (
        "100 lignes × 1 colonnes"
    )


def test_without_caption_the_box_still_has_a_name():
    soup = soup_of(BASE, captions=(), unnamed="Tableau 2 de la page")
    assert soup.caption is None
    assert soup.div["aria-label"] == "Tableau 2 de la page"


def test_polars():
    polars = pytest.importorskip("polars")
    soup = soup_of(polars.DataFrame({"nom": ["a"], "v": [1.5]})._repr_html_())
    assert [c[1] for c in grid(soup)[0]] == ["nom", "v"]
    assert len(soup.find_all("tr")) == 2
    assert "shape" not in soup.get_text()


def test_idempotent():
    for frame in FRAMES.values():
        once = str(soup_of(frame))
        assert rewrite_html(once, ["Titre. Source : Insee."]) == once


def test_other_output_is_untouched():
    html = "<p style='x'>rien : ?</p>"
    assert rewrite_html(html, []) == html


def test_markdown_table():
    body = (
        '<div class="pst-scrollable-table-container"><table class="table">\n<caption>Une '
        '<em>légende</em><a class="headerlink" href="#x">#</a></caption><thead>'
        '<tr class="row-odd"><th class="head"><p>A</p></th><th class="head text-left"><p>B</p></th>'
        '</tr></thead><tbody><tr><th class="stub"><p>c</p></th></tr></tbody></table></div>'
    )
    soup = BeautifulSoup(scope_markdown_tables(body), "html.parser")
    assert [c["scope"] for c in soup.find_all("th")] == ["col", "col", "row"]
    assert soup.div["aria-label"] == "Une légende"
    assert soup.div["tabindex"] == "0"


def test_a_markdown_table_without_caption_is_a_warning(tmp_path):
    (tmp_path / "conf.py").write_text(
        'extensions = ["myst_parser", "ssphub_book.sphinx.tables"]\nlanguage = "fr"\n', encoding="utf-8"
    )
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n"
    (tmp_path / "index.md").write_text(
        f"# Titre\n\n{table}\n```{{table}} Une légende\n{table}```\n", encoding="utf-8"
    )
    warnings = io.StringIO()
    sphinx_build(tmp_path, tmp_path / "out", warning=warnings)
    said = [line for line in warnings.getvalue().splitlines() if "tableau sans légende" in line]
    assert len(said) == 1
    assert "index.md:3" in said[0]


def shown(frame):
    return [c.get_text().strip() for c in soup_of(frame).select("tbody td")]


@pytest.mark.parametrize(
    ("frame", "cells"),
    [
        (pd.DataFrame({"Élus": [508788, -34742, 9999]}), [f"508{T}788", f"−34{T}742", "9999"]),
        (pd.DataFrame({"€": [1234567.5, 12.0]}), [f"1{T}234{T}567,5", "12,0"]),
        (pd.DataFrame({10000: [20000]}), [f"20{T}000"]),
        (pd.DataFrame({"Effectif": ["aucun", 10000]}), ["aucun", f"10{T}000"]),
        (pd.DataFrame({"code_commune": [75056, 69123]}), ["75056", "69123"]),
        (pd.DataFrame({"Code Insee": [75056]}), ["75056"]),
        (pd.DataFrame({"commune": ["01001", "75056"]}), ["01001", "75056"]),
        (pd.DataFrame({"commune": ["2A004", "75056"]}), ["2A004", "75056"]),
        (pd.DataFrame({"": ["1a2b3c4", "4870928"]}), ["1a2b3c4", "4870928"]),
        (pd.DataFrame({"Paris": {"Code": 75056, "Habitants": 2103778}}), ["75056", f"2{T}103{T}778"]),
        (pd.DataFrame({"Codes postaux": [1], "Décodés": [10000]}), ["1", f"10{T}000"]),
        (pd.DataFrame({"année": [2018, 2023]}), ["2018", "2023"]),
    ],
)
def test_large_quantities_are_grouped_and_codes_are_not(frame, cells):
    assert shown(frame) == cells


def test_rows_with_shared_headers_are_grouped_too():
    frame = pd.DataFrame({"r": ["a", "a"], "n": [1, 2], "x": [10000, 20000], "y": ["01234", "20000"]})
    assert shown(frame.set_index(["r", "n"])) == [f"10{T}000", "01234", f"20{T}000", "20000"]


def test_raw_numbers_are_not_grouped():
    soup = soup_of(pd.DataFrame({"x": [508788]}), raw=True)
    assert soup.td is not None
    assert soup.select_one("tbody td").get_text() == "508788"
