"""Interactive figures: one small book with four charts, built and read in a real browser."""

from __future__ import annotations

import functools
import gzip
import http.server
import json
import re
import threading
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup

from ssphub_book import chapters, contract, execution, figures, publication
from tests import conftest
from tests.conftest import ROOT

CSP = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; "
    "object-src 'none'; base-uri 'self'"
)
CONFIG = """\
title: Petit livre
author: Des auteurs
copyright: "2026"
only_build_toc_files: true
execute:
  execute_notebooks: cache
  cache: _build/.jupyter_cache
  timeout: 60
parse:
  myst_enable_extensions: [colon_fence]
sphinx:
  local_extensions:
    ssphub_book.sphinx: {package}
  config:
    extensions:
      [myst_nb, jupyter_book, sphinx_comments, sphinx_external_toc, sphinx_design, sphinx_book_theme,
       ssphub_book.sphinx]
    language: fr
    smartquotes: false
    html_math_renderer: mathml
    html_use_index: false
    html_permalinks_icon: "#"
"""
CELL = """\
```{{code-cell}} ipython3
---
mystnb:
  image:
    alt: {alt}
  figure:
    caption: {caption}
    name: {name}
---
{code}
```
"""
DATA = """\
import altair as alt
import pandas as pd

mois = pd.date_range("2024-01-01", periods=12, freq="MS")
emploi = pd.DataFrame({"mois": mois, "total": [1234.5 + 100 * i for i in range(12)]})
points = pd.DataFrame({"x": range(1500), "y": [i % 37 for i in range(1500)], "inutile": 1})
"""
CHARTS = {
    "fig-barres": """\
alt.Chart(emploi).mark_bar().encode(
    x=alt.X("month(mois):O", title="Mois"), y=alt.Y("total", title="Emplois (milliers)")
)""",
    "fig-points": """\
seuil = alt.param(value=10, bind=alt.binding_range(min=0, max=30, step=5, name="Seuil "))
alt.Chart(points).mark_circle(clip=True).encode(
    x="x", y="y", opacity=alt.condition(alt.datum.y > seuil, alt.value(1), alt.value(0.2))
).add_params(seuil).interactive()""",
    "fig-facettes": """\
alt.Chart(points[:40]).mark_point().encode(x="x", y="y").properties(width=300) | alt.Chart(
    emploi
).mark_line().encode(x="mois", y="total")""",
}
ALTS = {
    "fig-barres": "Barres qui montent de janvier à décembre 2024.",
    "fig-points": "Nuage de points en dents de scie.",
    "fig-facettes": "Nuage à gauche et courbe croissante à droite.",
}


def chart_cells() -> str:
    cells = [f"```{{code-cell}} ipython3\n{DATA}```\n"]
    for name, code in CHARTS.items():
        caption = f"L'emploi en 2024, {name}. Source : Insee."
        cells.append(
            CELL.format(
                alt=ALTS[name], caption=f"'{caption.replace(chr(39), chr(39) * 2)}'", name=name, code=code
            )
        )
    return "\n".join(cells) + "\nVoir {ref}`la figure <fig-points>`.\n"


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    """The small book of conftest with the charts in it, and the book's own pages around."""
    root = conftest.small_book.__wrapped__(tmp_path_factory.mktemp("figures"))
    chapter = root / "notebooks/essais/un-et-un.md"
    text = chapter.read_text(encoding="utf-8")
    chapter.write_text(text.replace("Un piège.\n", f"Un piège.\n\n{chart_cells()}"), encoding="utf-8")
    (root / "_config.yml").write_text(CONFIG.format(package=ROOT), encoding="utf-8")
    publication.build(root, report=lambda line: None)
    return root


@pytest.fixture(scope="module")
def page_path(book) -> Path:
    return book / "_build/html/notebooks/essais/un-et-un.html"


@pytest.fixture(scope="module")
def address(book):
    """The small site under the strict policy."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", CSP)
            super().end_headers()

    folder = str(book / "_build/html")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


CHAPTER = "notebooks/essais/un-et-un.html"
LIVE = ".figure-vega .figure-trace > svg"


class Visit:
    """A page with what the browser complained of and asked for."""

    def __init__(self, browser, url: str, **options):
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.page = self.context.new_page()
        self.said, self.requests = [], []
        self.page.on("console", lambda m: self.said.append(f"{m.type}: {m.text}"))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(url)

    def all_live(self) -> None:
        """Come near each figure, as a reader does, and wait for its chart."""
        for box in self.page.locator(".figure-vega").all():
            box.scroll_into_view_if_needed()
            box.locator(".figure-trace svg").wait_for(state="visible", timeout=20_000)


@pytest.fixture
def visit(browser, address):
    visits = []

    def open_page(name: str = CHAPTER, **options) -> Visit:
        visits.append(Visit(browser, f"{address}/{name}", **options))
        return visits[-1]

    yield open_page
    for one in visits:
        one.context.close()


# --- the page as it is written ----------------------------------------------------------------


def soup_of(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def test_the_page_holds_picture_caption_table_and_program(page_path):
    soup = soup_of(page_path)
    boxes = soup.select("figure .figure-vega")
    assert len(boxes) == len(CHARTS)
    for box, (name, alt) in zip(boxes, ALTS.items(), strict=True):
        figure = box.find_parent("figure")
        assert figure["id"] == name
        image = box.find("img")
        assert image["alt"] == alt
        picture = (page_path.parent / image["src"]).read_text(encoding="utf-8")
        assert picture.startswith("<svg") and "aria-label" not in picture
        assert name in figure.figcaption.get_text()
        assert json.loads(box.script.string)["marks"]
        assert box.script["type"] == "application/json"
        details = figure.find_next_sibling("details")
        assert details.summary.get_text() == "Données de la figure"
        for table in details.find_all("table"):
            assert name in table.caption.get_text()
            assert {th["scope"] for th in table.thead.find_all("th")} == {"col"}
            assert table.parent["role"] == "region" and table.parent["aria-label"]
    assert "la figure" in {link.get_text() for link in soup.find_all("a", href="#fig-points")}
    assert not soup.select(".caption-number")


def test_the_table_is_french(page_path):
    table = soup_of(page_path).select_one("details.figure-donnees table")
    rows = [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in table.find_all("tr")]
    assert rows[0] == ["Mois", "Emplois (milliers)"]
    assert rows[1] == ["01/01/2024", "1\u202f234,5"]
    assert {th["scope"] for th in table.tbody.find_all("th")} == {"row"}


def test_a_long_table_is_cut_and_the_file_is_whole(page_path):
    details = soup_of(page_path).select("details.figure-donnees")[1]
    assert len(details.tbody.find_all("tr")) == 200
    assert re.search(r"200 premières lignes sur 1\u202f500", details.get_text())
    file = page_path.parent / details.find("a")["href"]
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "\ufeffx;y", "columns that the chart does not read stay out"
    assert len(lines) == 1501


def test_the_picture_is_french_and_in_the_books_colours(page_path):
    box = soup_of(page_path).select_one(".figure-vega")
    picture = (page_path.parent / box.find("img")["src"]).read_text(encoding="utf-8")
    assert "1\u202f000" in picture and "juil." in picture
    assert figures.COLOURS[0] in picture
    style = (ROOT / "notebooks/ssphub.mplstyle").read_text(encoding="utf-8")
    cycle = re.search(r'cycler\("color", \[(.*?)\]\)', style)[1]
    assert re.findall(r"\w{6}", cycle) == [colour.lstrip("#") for colour in figures.COLOURS]


# --- in a browser -----------------------------------------------------------------------------


def test_live_under_the_strict_policy_with_no_violation(visit):
    seen = visit()
    seen.all_live()
    assert seen.said == []
    assert seen.page.evaluate("document.querySelectorAll('body style, head style').length") == 0
    image = seen.page.locator(".figure-vega img").first
    assert not image.is_visible()
    plot = seen.page.locator(".figure-trace").first
    assert plot.get_attribute("role") == "img"
    assert plot.get_attribute("aria-label") == ALTS["fig-barres"]
    assert "juil." in plot.text_content() and "1\u202f000" in plot.text_content()


def test_the_policy_does_refuse(visit):
    """The check above can fail; and without its interpreter, Vega would need what is refused."""
    seen = visit()
    seen.all_live()
    # out of the browser's own evaluation, which the policy does not bind
    without = """() => new Promise((resolve) => setTimeout(() => {
      const program = JSON.parse(document.querySelector('.figure-vega script').textContent);
      const { View, parse } = window.cahiersVega;
      try { new View(parse(program)).run(); resolve('it ran'); } catch (error) { resolve(error.name); }
    }))"""
    assert seen.page.evaluate(without) == "EvalError"
    seen.page.evaluate("() => document.body.setAttribute('style', 'color: red')")
    assert any("style-src" in line or "inline style" in line for line in seen.said)


def test_the_library_is_loaded_on_its_page_alone_and_when_near(visit):
    elsewhere = visit("book/index.html")
    assert not [url for url in elsewhere.requests if "vega" in url]
    seen = visit(viewport={"width": 1280, "height": 300})
    seen.page.wait_for_timeout(500)
    assert [url for url in seen.requests if "cahiers-vega.js" in url]
    assert not [url for url in seen.requests if figures.LIBRARY in url]
    seen.all_live()
    assert len([url for url in seen.requests if figures.LIBRARY in url]) == 1


def test_tooltip_and_escape(visit):
    seen = visit()
    seen.all_live()
    seen.page.locator(".figure-trace").first.scroll_into_view_if_needed()
    seen.page.locator(".figure-trace .mark-rect.role-mark path").nth(6).hover()
    bubble = seen.page.locator(".figure-infobulle").first
    assert bubble.is_visible()
    assert "Emplois (milliers)1\u202f834,5" in bubble.text_content()
    seen.page.keyboard.press("Escape")
    assert not bubble.is_visible()


def test_the_keyboard_switches_figure_and_picture_and_reaches_inputs(visit):
    seen = visit()
    seen.all_live()
    box = seen.page.locator(".figure-vega").nth(1)
    button = box.locator("button")
    assert button.text_content() == "Image fixe"
    button.focus()
    seen.page.keyboard.press("Enter")
    assert button.text_content() == "Figure interactive"
    assert box.locator("img").is_visible() and not box.locator(".figure-trace").is_visible()
    seen.page.keyboard.press("Enter")
    assert box.locator(".figure-trace svg").is_visible()
    opaque = ".mark-symbol.role-mark path"
    before = box.locator(opaque).nth(12).get_attribute("opacity")
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.type") == "range"
    seen.page.keyboard.press("End")
    seen.page.wait_for_timeout(300)
    assert box.locator(opaque).nth(12).get_attribute("opacity") != before
    assert seen.said == []


def test_without_scripts_the_picture_stays(visit):
    seen = visit(java_script_enabled=False)
    for box in seen.page.locator(".figure-vega").all():
        box.scroll_into_view_if_needed()
        assert box.locator("img").is_visible()
        assert box.locator("button").count() == 0
    assert seen.page.locator("details.figure-donnees summary").first.is_visible()


def test_a_library_that_fails_leaves_the_picture(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.route(f"**/{figures.LIBRARY}", lambda route: route.abort())
    page.goto(f"{address}/{CHAPTER}")
    box = page.locator(".figure-vega").first
    box.scroll_into_view_if_needed()
    box.locator("button").wait_for(state="detached")
    assert box.locator("img").is_visible()
    context.close()


def test_from_the_disk(browser, page_path):
    seen = Visit(browser, page_path.as_uri())
    seen.all_live()
    assert seen.page.locator(LIVE).count() == len(CHARTS)
    seen.context.close()


def test_paper_gets_the_picture(visit):
    seen = visit()
    seen.all_live()
    seen.page.emulate_media(media="print")
    assert seen.page.locator(".figure-vega img").first.is_visible()
    assert not seen.page.locator(".figure-trace").first.is_visible()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_axe_violation_and_no_overflow(browser, book, page_path, width, scheme):
    """Axe is a script of ours in the page: it runs from the disk, where no policy is sent."""
    seen = Visit(browser, page_path.as_uri(), viewport={"width": width, "height": 900}, color_scheme=scheme)
    seen.all_live()
    seen.page.locator("details.figure-donnees").evaluate_all("all => all.forEach(d => d.open = true)")
    seen.page.wait_for_timeout(200)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    stops = seen.page.locator(".figure-vive").evaluate_all("all => all.map(card => card.tabIndex)")
    assert stops == [-1, -1, 0], "only the chart that is wider than its card scrolls"
    found = Axe().run(seen.page).response["violations"]
    seen.context.close()
    assert [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found] == []


def test_weight(book, page_path):
    """What a page with an interactive figure adds, compressed."""
    static = book / "_build/html/_static"
    added = sum(
        len(gzip.compress((static / n).read_bytes(), 9)) for n in (figures.LIBRARY, "cahiers-vega.js")
    )
    assert added < 230_000


# --- figures that would come out blank --------------------------------------------------------

BAD = [
    ("alt.Chart(emploi[:0]).mark_bar().encode(x='mois:T', y='total:Q')", "aucune donnée"),
    ("alt.Chart(emploi).mark_bar().encode(x='mois:T', y='toto:Q')", "aucune marque"),
    ("alt.Chart(emploi).mark_bar().encode(x='moi:N', y='total:Q')", "une colonne que"),
    ("alt.Chart('https://example.org/a.csv').mark_bar().encode(x='a:N')", "à une adresse"),
    ("HTML('<div></div><script>1</script>')", "resterait vide"),
    ("HTML('<iframe src=\"a\"></iframe>')", "resterait vide"),
    ("display({'application/vnd.plotly.v1+json': {}, 'text/plain': 'F'}, raw=True)", "vnd.plotly.v1"),
    ("display({'application/vnd.bokehjs_exec.v0+json': '', 'text/html': ''}, raw=True)", "vnd.bokehjs"),
    ("display({'application/javascript': '1'}, raw=True)", "application/javascript"),
    ("import matplotlib.pyplot as plt\nplt.figure()\nplt.show()", "la figure sort vide"),
    ("import matplotlib.pyplot as plt\nplt.plot([])\nplt.axis('off')\nplt.show()", "la figure sort vide"),
]  # fmt: skip


KINDS = {
    "layers": "bars + bars.mark_text().encode(text='y')",
    "rows": "bars.encode(row='g')",
    "facets": "bars.facet('g', columns=1)",
    "vertical": "bars & bars",
    "boxes": "alt.Chart(frame).mark_boxplot().encode(x='g', y='y')",
    "heat": "alt.Chart(frame).mark_rect().encode(x='x:O', y='g', color='mean(y)')",
    "arcs": "alt.Chart(frame).mark_arc().encode(theta='y', color='g')",
    "polars": "alt.Chart(polars.DataFrame({'x': [1], 'y': [2]})).mark_bar().encode(x='x:O', y='y')",
    "inline": "alt.Chart(alt.Data(values=[{'x': 1, 'y': 2}])).mark_bar().encode(x='x:O', y='y:Q')",
    "map": "alt.Chart(alt.Data(values=shapes)).mark_geoshape().encode(color='properties.x:Q')",
    "wide": "bars.properties(width='container')",
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_chart_is_drawn_with_its_data(tmp_path, name):
    import altair as alt
    import pandas as pd
    import polars

    frame = pd.DataFrame({"x": [1, 2, 3], "y": [4, 5, 6], "g": ["a", "b", "a"], "inutile": 0})
    square = {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]]}
    shapes = [{"type": "Feature", "geometry": square, "properties": {"x": 1, "inutile": 0}}]
    bars = alt.Chart(frame).mark_bar().encode(x="x:O", y="y")
    names = {"alt": alt, "polars": polars, "frame": frame, "bars": bars, "shapes": shapes}
    spec = eval(KINDS[name], names).to_dict()
    figure = figures.render(spec, tmp_path)
    assert figure.fluid == (name not in {"rows", "facets", "vertical"})
    (data,) = figures.tables(spec)
    columns, rows = data
    assert "x" in [c.name for c in columns] or name in {"boxes", "arcs"}
    assert "inutile" not in [c.name for c in columns] and rows
    assert len(figures.csv_text(columns, rows).splitlines()) == len(rows) + 1


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """The findings on a chapter that holds every bad figure, and its lines."""
    root = conftest.small_book.__wrapped__(tmp_path_factory.mktemp("vides"))
    chapter = root / "notebooks/essais/un-et-un.md"
    cells = [f"```{{code-cell}} ipython3\n{DATA}from IPython.display import HTML\n```\n"]
    cells += [
        CELL.format(alt="Courbe croissante.", caption="Une légende.", name=f"fig-{i}", code=f"# {i}\n{code}")
        for i, (code, _) in enumerate(BAD)
    ]
    text = chapter.read_text(encoding="utf-8")
    chapter.write_text(text.replace("Un piège.\n", "\n".join(cells)), encoding="utf-8")
    (run,) = execution.execute(chapters.find(root)).values()
    assert run.failure is None, run.failure
    return contract.check_outputs(run.chapter, run.notebook), run.chapter.lines


@pytest.mark.parametrize("number", range(len(BAD)), ids=[code[:60] for code, _ in BAD])
def test_a_blank_figure_is_refused(refused, number):
    findings, lines = refused
    line = lines.index(f"# {number}") + 1
    (finding,) = (f for f in findings if f.line == line and f.rule == "figure-vide")
    assert BAD[number][1] in str(finding)


def test_a_chart_that_no_notebook_can_keep_is_refused(small_book, small_chapter, edit):
    code = f"{DATA}\nalt.renderers.enable('mimetype')\nalt.Chart(emploi).mark_bar().encode(x='mois')"
    edit(small_chapter, "Un piège.", f"Un piège.\n\n```{{code-cell}} ipython3\n{code}\n```\n")
    (run,) = execution.execute(chapters.find(small_book)).values()
    assert "retirez « alt.renderers.enable" in run.failure.message


def test_a_blank_figure_fails_the_build(small_book, small_chapter, edit):
    edit(small_chapter, "Un piège.", f"Un piège.\n\n```{{code-cell}} ipython3\n{DATA}\n{BAD[0][0]}\n```\n")
    with pytest.raises(publication.BuildError, match="aucune donnée"):
        publication.build(small_book, report=lambda line: None)


def test_a_chart_needs_its_text_and_its_caption(small_book, small_chapter, edit):
    code = f"{DATA}\n{CHARTS['fig-barres']}"
    edit(small_chapter, "Un piège.", f"Un piège.\n\n```{{code-cell}} ipython3\n{code}\n```\n")
    (run,) = execution.execute(chapters.find(small_book)).values()
    assert [f.rule for f in contract.check_outputs(run.chapter, run.notebook)] == ["figure", "figure"]


def test_two_runs_write_the_same_chart(small_book, small_chapter, edit):
    edit(
        small_chapter,
        "Un piège.",
        f"Un piège.\n\n```{{code-cell}} ipython3\n{DATA}\n{CHARTS['fig-points']}\n```\n",
    )
    first, second = (
        next(iter(execution.execute(chapters.find(small_book), fresh=True).values())).notebook
        for _ in range(2)
    )
    outputs = [[o for c in nb.cells for o in c.get("outputs", [])] for nb in (first, second)]
    assert any("altair-viz-" in str(o) for o in outputs[0])
    assert outputs[0] == outputs[1]


def test_a_chart_is_drawn_the_same_whatever_was_drawn_before(tmp_path):
    import altair as alt
    import pandas as pd

    frame = pd.DataFrame({"x": [1, 2], "y": [3, 4]})
    spec = alt.Chart(frame).mark_line(clip=True).encode(x="x", y="y").to_dict()
    one = figures.render(spec, tmp_path / "a")
    assert figures.render(spec, tmp_path / "b") == one
    assert figures.render(spec, tmp_path / "a") == one, "kept and read again"


def test_the_authors_settings_win(tmp_path):
    spec = {"$schema": "/v6.4.1.json", "mark": "bar", "config": {"axis": {"labelFontSize": 22}}, "width": 333}
    themed = figures.themed(spec)
    assert themed["width"] == 333
    assert themed["config"]["axis"]["labelFontSize"] == 22
    assert themed["config"]["axis"]["titleFontSize"] == figures.TEXT
