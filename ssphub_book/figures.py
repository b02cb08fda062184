"""Interactive figures: what Altair writes in a notebook, made ready for a page and checked.

The specification of a chart gets the book's look under its author's own settings. It is drawn once
as an SVG picture and compiled once for Vega; both are kept under a key of the specification, so that
the contract and Sphinx share them. Nothing is fetched: vl-convert carries Vega and its interpreter.
"""

from __future__ import annotations

import copy
import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import vl_convert

FOLDER = "_build/figures"
WIDTH, HEIGHT = 560, 340  # of a chart whose author sets none; the picture's text shrinks with it
TEXT = 15
# Those of notebooks/ssphub.mplstyle, which says what they are worth.
COLOURS = ("#1f5a8c", "#c24e00", "#208453", "#43125c", "#533200", "#4d4d4d")
INK, LINES, GRID = "#2b2b2b", "#4a4a4a", "#d9d9d9"
FONT = "DejaVu Sans, Verdana, sans-serif"  # the last two where the reader lacks the first
THIN, NBSP = "\u202f", "\xa0"
CHART = re.compile(r'<div id="altair-viz-[^"]*"')
RANDOM_ID = re.compile(r"altair-viz-[0-9a-f]{32}")
SPECIFICATION = re.compile(r"\}\)\((?=\{)")
FACETS = ("row", "column", "facet")
SVG = "{http://www.w3.org/2000/svg}"

_number = vl_convert.get_format_locale("fr-FR") | {"thousands": THIN, "percent": f"{THIN}%"}
_label = {
    "labelColor": INK,
    "labelFontSize": TEXT,
    "titleColor": INK,
    "titleFontSize": TEXT,
    "titleFontWeight": "normal",
}
THEME = {
    "aria": False,  # Vega's descriptions are in English: the page has the author's, and the table
    "background": "white",
    "font": FONT,
    "locale": {"number": _number, "time": vl_convert.get_time_format_locale("fr-FR")},
    "tooltipFormat": {"numberFormat": ",", "timeFormat": "%d/%m/%Y"},
    "axis": _label | {"domainColor": LINES, "grid": False, "gridColor": GRID, "tickColor": LINES},
    "axisQuantitative": {"labelOverlap": True, "labelSeparation": 8, "tickCount": 6},
    "legend": _label | {"labelLimit": 240},
    "header": _label,
    "title": {"anchor": "start", "color": INK, "fontSize": TEXT + 1, "offset": 12, "subtitleFontSize": TEXT},
    "text": {"color": INK, "fontSize": TEXT},
    "mark": {"color": COLOURS[0], "tooltip": True},
    "line": {"strokeWidth": 2},
    "rule": {"color": LINES},
    "range": {"category": list(COLOURS)},
    "view": {"step": 26, "stroke": None},
}  # fmt: skip


class FigureError(Exception):
    """A chart that the page cannot show; the message tells its author in French what to do."""


@dataclass(frozen=True)
class Figure:
    """A chart made ready: its picture, its Vega program, its width, whether it follows the page's."""

    picture: str
    program: dict
    width: int
    fluid: bool


def specification(html: str) -> dict | None:
    """The Vega-Lite specification in the HTML that Altair writes; None for any other HTML."""
    if not CHART.search(html) or not (start := SPECIFICATION.search(html)):
        return None
    found, _ = json.JSONDecoder().raw_decode(html, start.end())
    return found if "$schema" in found else None


def steady(html: str) -> str:
    """The same HTML without the random name that Altair gives to each chart."""
    if not CHART.search(html):
        return html
    key = hashlib.sha256(RANDOM_ID.sub("", html).encode()).hexdigest()
    return RANDOM_ID.sub(f"altair-viz-{key[:32]}", html)


def themed(spec: dict) -> dict:
    """The specification with the book's look under the author's settings."""
    spec = copy.deepcopy(spec)
    config = spec.get("config", {})
    # Altair writes this one in every chart: it is nobody's choice.
    if config.get("view") == {"continuousWidth": 300, "continuousHeight": 300}:
        del config["view"]
    spec["config"] = _merge(THEME, config)
    for side in ("width", "height"):
        if spec.get(side) == "container":
            del spec[side]
    if _single(spec) and "width" not in spec:
        spec["width"] = WIDTH
        tall = "height" in spec or _discrete(spec, "y")
        if not tall:
            spec["height"] = HEIGHT
        spec.setdefault("autosize", {"type": "fit-x" if tall else "fit", "contains": "padding"})
    return spec


def _merge(under: dict, over: dict) -> dict:
    merged = dict(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(under.get(key), dict)
        merged[key] = _merge(under[key], value) if both else value
    return merged


def _dicts(node: object) -> Iterator[dict]:
    """Every dictionary of a specification, its data left out."""
    if isinstance(node, dict):
        yield node
        for key, value in node.items():
            if key not in ("datasets", "values", "config"):
                yield from _dicts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _dicts(value)


def _channels(spec: dict) -> Iterator[tuple[str, dict]]:
    """(channel, definition) of each encoding, layers and parts included."""
    for node in _dicts(spec):
        for channel, definition in (node.get("encoding") or {}).items():
            for one in definition if isinstance(definition, list) else [definition]:
                if isinstance(one, dict):
                    yield channel, one


def _single(spec: dict) -> bool:
    """One view, or layers of one: its width is that of the figure."""
    one = "mark" in spec or "layer" in spec
    return one and not any(channel in FACETS for channel, _ in _channels(spec))


def _discrete(spec: dict, channel: str) -> bool:
    return any(
        name == channel and (one.get("type") in ("nominal", "ordinal") or "bin" in one)
        for name, one in _channels(spec)
    )


def render(spec: dict, root: Path) -> Figure:
    """Draw and compile a chart, or take what was kept. Raises FigureError where nothing would show."""
    _check_data(spec)
    key = repr((json.dumps(spec, sort_keys=True), vl_convert.__version__, Path(__file__).read_text("utf-8")))
    kept = root / FOLDER / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
    if kept.is_file():
        figure = Figure(**json.loads(kept.read_text(encoding="utf-8")))
    else:
        figure = _make(themed(spec), _version(spec))
        _keep(kept, json.dumps(asdict(figure), ensure_ascii=False))
    _check_picture(figure.picture)
    return figure


def _version(spec: dict) -> str | None:
    """The version of Vega-Lite that the chart asks for, where vl-convert has it."""
    found = re.search(r"/v(\d+\.\d+)", spec["$schema"])
    return found[1] if found and found[1] in vl_convert.get_vegalite_versions() else None


def _make(spec: dict, version: str | None) -> Figure:
    fluid = _single(spec) and not isinstance(spec.get("width"), dict)
    on_page = spec
    if fluid:
        autosize = spec.get("autosize", {"type": "fit-x", "contains": "padding"})
        on_page = spec | {"width": "container", "autosize": autosize}
    if fonts := find_spec("matplotlib"):
        # the font of the book's figures, whatever the machine has
        folder = Path(fonts.origin).parent / "mpl-data/fonts/ttf"
        vl_convert.register_font_directory(str(folder))
    try:
        picture = vl_convert.vegalite_to_svg(spec, vl_version=version, allowed_base_urls=[])
        program = vl_convert.vegalite_to_vega(on_page, vl_version=version)
    except ValueError as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise FigureError(f"Vega-Lite refuse ce graphique ({reason}) : corrigez sa définition.") from None
    width = float(ElementTree.fromstring(picture).get("width", WIDTH))
    return Figure(_renumbered(picture), program, round(width), fluid)


def _renumbered(picture: str) -> str:
    """vl-convert goes on counting its ids from one chart to the next: start again at each."""
    names = dict.fromkeys(re.findall(r'\bid="([^"]+)"', picture))
    new = {name: f"f{number}" for number, name in enumerate(names, start=1)}
    return re.sub(r'(\bid="|url\(#)([^")]+)', lambda found: found[1] + new.get(found[2], found[2]), picture)


def _keep(path: Path, text: str) -> None:
    """Write at once: two processes may want the same figure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{hashlib.sha256(text.encode()).hexdigest()[:8]}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _check_data(spec: dict) -> None:
    if any("url" in node.get("data", {}) for node in _dicts(spec) if isinstance(node.get("data", {}), dict)):
        raise FigureError(
            "le graphique lit ses données à une adresse, que la page n'ira pas chercher : donnez-lui un "
            "tableau de pandas ou de polars."
        )
    named = list(_named_data(spec))
    if named and not any(named):
        raise FigureError("le graphique n'a aucune donnée : vérifiez le filtre qui prépare son tableau.")


def _check_picture(picture: str) -> None:
    svg = ElementTree.fromstring(picture)
    if any(text.text == "undefined" for text in svg.iter(f"{SVG}text")):
        raise FigureError(
            "le graphique lit une colonne que ses données n'ont pas (« undefined » à la place de ses "
            "valeurs) : corrigez son nom dans encode()."
        )
    marks = (g for g in svg.iter(f"{SVG}g") if "role-mark" in g.get("class", "").split())
    if not any(_drawn(shape) for mark in marks for shape in mark.iter()):
        raise FigureError(
            "le graphique sort vide, aucune marque n'est dessinée : vérifiez les colonnes et les types "
            "donnés à encode()."
        )


def _drawn(shape: ElementTree.Element) -> bool:
    name = shape.tag.removeprefix(SVG)
    if name == "path":
        outline = shape.get("d", "")
        return bool(outline) and "NaN" not in outline
    return name in ("line", "rect", "circle", "image") or (name == "text" and bool(shape.text))


@dataclass(frozen=True)
class Column:
    """A column that the chart reads: its name in the data, its title for readers, how it reads."""

    name: str
    title: str
    kind: str  # quantitative, temporal, nominal, ordinal, or nothing


def tables(spec: dict) -> list[tuple[list[Column], list[dict]]]:
    """The data behind the chart: for each data set, the columns that it reads and the rows."""
    found = []
    for rows in map(_rows, _named_data(spec)):
        names = list(dict.fromkeys(name for row in rows for name in row))
        columns = [_column(spec, name) for name in names if _reads(spec, name)]
        if columns:
            found.append((columns, rows))
    return found


def _named_data(spec: dict) -> Iterator[object]:
    yield from spec.get("datasets", {}).values()
    for node in _dicts(spec):
        if isinstance(node.get("data"), dict) and "values" in node["data"]:
            yield node["data"]["values"]


def _rows(values: object) -> list[dict]:
    """Rows of simple values; a map's shapes give their properties."""
    if isinstance(values, dict):
        values = values.get("features", [values])
    rows = []
    for row in values if isinstance(values, list) else []:
        row = row if isinstance(row, dict) else {"data": row}
        if row.get("type") == "Feature":
            properties = row.get("properties") or {}
            row = {k: v for k, v in row.items() if k != "type"} | properties
        rows.append({k: v for k, v in row.items() if not isinstance(v, dict | list)})
    return rows


def _reads(spec: dict, name: str) -> bool:
    """Whether the chart names this column, as a field or in an expression."""
    expression = re.compile(rf"""datum\.{re.escape(name)}\b|datum\[['"]{re.escape(name)}['"]\]""")
    return any(
        text.removeprefix("properties.") == name or expression.search(text) is not None
        for node in _dicts(spec)
        for value in node.values()
        for text in (value if isinstance(value, list) else [value])
        if isinstance(text, str)
    )


def _column(spec: dict, name: str) -> Column:
    title, kind = "", ""
    for _, one in _channels(spec):
        if str(one.get("field", "")).removeprefix("properties.") != name:
            continue
        if "aggregate" in one:
            kind = kind or "quantitative"
            continue  # its title is that of the aggregate
        kind = kind or ("temporal" if "timeUnit" in one else one.get("type", ""))
        named = (one, one.get("axis") or {}, one.get("legend") or {}, one.get("header") or {})
        title = title or next((part["title"] for part in named if part.get("title")), "")
    title = " ".join(title) if isinstance(title, list) else title
    return Column(name, title or name, kind)


def day(value: object) -> str:
    """A date as the French write it, with its time where it has one; other values as they are."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return str(value)
    clock = "" if moment.time() == moment.min.time() else f" {moment:%H:%M}"
    return f"{moment:%d/%m/%Y}{clock}"


def file_name(content: str, suffix: str) -> str:
    """A name that changes with the content."""
    return f"{hashlib.sha256(content.encode()).hexdigest()}.{suffix}"


def csv_text(columns: list[Column], rows: list[dict]) -> str:
    """The rows as French spreadsheets open them: semicolons, decimal commas."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    writer.writerow([column.name for column in columns])
    for row in rows:
        values = (row.get(column.name) for column in columns)
        writer.writerow([str(v).replace(".", ",") if isinstance(v, float) else v for v in values])
    return "\ufeff" + out.getvalue()


# vl-convert answers these two addresses from copies that it carries: they name modules, and no more.
_VEGA = f"https://cdn.jsdelivr.net/npm/vega@{vl_convert.get_vega_version()}/+esm.js"
_INTERPRETER = "https://cdn.jsdelivr.net/npm/vega-interpreter@2.0.0/+esm.js"
_SNIPPET = f"""
import {{ View, parse }} from "{_VEGA}";
import {{ expressionInterpreter }} from "{_INTERPRETER}";
window.cahiersVega = {{ View, parse, expressionInterpreter }};
"""
LIBRARY = f"vega-{vl_convert.get_vega_version()}.js"
LICENCE = Path(__file__).parent / "theme/vendor/vega/LICENSE"


def library(root: Path) -> Path:
    """Vega's runtime and its interpreter in one script, made once. Raises FigureError."""
    key = repr((_SNIPPET, vl_convert.__version__, LICENCE.read_text(encoding="utf-8")))
    kept = root / FOLDER / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.js"
    if not kept.is_file():
        try:
            code = vl_convert.javascript_bundle(_SNIPPET)
        except ValueError as error:
            raise FigureError(f"vl-convert ne fournit pas Vega ({str(error)[:200]}).") from None
        notice = LICENCE.read_text(encoding="utf-8").replace("*/", "* /")
        _keep(kept, f'/*!\n{notice}*/\n(() => {{\n"use strict";\n{code}\n}})();\n')
    return kept
