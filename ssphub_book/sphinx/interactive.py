"""Interactive figures: a chart of Altair, shown by a cell, becomes a figure that everybody can read.

The page holds a picture with the author's alternative text, the data as a folded table and as a CSV
file, and the chart's program as a block of data. `cahiers-vega.js`, loaded by such pages alone, puts
the live chart in the picture's place. The rest is in `ssphub_book.figures`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.locale import _
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

from ssphub_book import figures

from .tables import RAW_NUMBERS, rewrite_html
from .typography import french_line, is_french

MOST_ROWS = 200
LOGGER = logging.getLogger(__name__)


class InteractiveFigures(SphinxTransform):
    """Charts in the outputs of code cells."""

    default_priority = 872  # after the tables of cells, which leave ours alone

    def apply(self, **kwargs) -> None:
        count = 0
        for cell in self.document.findall(nodes.container):
            if cell.get("nb_element") != "cell_code":
                continue
            for bundle, spec in list(_charts(cell)):
                count += 1
                self._replace(cell, bundle, spec, count)
        if count:
            _pages(self.env).add(self.env.docname)

    def _replace(self, cell: nodes.container, bundle: nodes.Element, spec: dict, number: int) -> None:
        try:
            figure = figures.render(spec, Path(self.app.srcdir))
        except figures.FigureError as error:
            LOGGER.warning("%s", error, location=cell)
            return
        folded = self._data(cell, spec, self._caption(bundle), number)
        outer = bundle.parent if isinstance(bundle.parent, nodes.figure) else bundle
        outer.parent[outer.parent.index(outer) + 1 : outer.parent.index(outer) + 1] = folded
        bundle.replace_self(self._box(cell, figure))

    def _caption(self, bundle: nodes.Element) -> str:
        captions = [node for node in bundle.parent.children if isinstance(node, nodes.caption)]
        return captions[0].astext() if captions else ""

    def _box(self, cell: nodes.container, figure: figures.Figure) -> list[nodes.Node]:
        """The picture, in a box that says what the script needs to know."""
        image = (cell["cell_metadata"].get("mystnb") or {}).get("image") or {}
        alt = str(image.get("alt") or "")
        alt = french_line(alt) if is_french(self.config.language) else alt
        name = figures.file_name(figure.picture, "svg")
        labels = {"live": _("Interactive figure"), "still": _("Still picture")}
        attributes = "".join(f' data-label-{k}="{escape(str(v), quote=True)}"' for k, v in labels.items())
        fluid = " data-fluid" if figure.fluid else ""
        program = json.dumps(figure.program, ensure_ascii=False, separators=(",", ":"))
        program = program.replace("<", "\\u003c")
        return [
            _raw(f'<div class="figure-vega" data-width="{figure.width}"{fluid}{attributes}>'),
            nodes.image(uri=self._write(name, figure.picture), alt=alt, candidates={}),
            _raw(f'<script type="application/json">{program}</script></div>'),
        ]

    def _data(self, cell: nodes.container, spec: dict, caption: str, number: int) -> list[nodes.Node]:
        """The folded tables, each with its file."""
        tables = figures.tables(spec)
        if not tables:
            return []
        raw_numbers = RAW_NUMBERS in cell["cell_metadata"].get("tags", [])
        french = is_french(self.config.language)
        found = [_raw(f'<details class="figure-donnees"><summary>{_("Data of the figure")}</summary>')]
        for part, (columns, rows) in enumerate(tables, start=1):
            title = f"{_('Data of the figure')} ({part})" if len(tables) > 1 else str(_("Data of the figure"))
            title = f"{title} – {caption}" if caption else title
            html = table_html(columns, rows[:MOST_ROWS], raw_numbers)
            found.append(_raw(rewrite_html(html, [title], title, french, raw=raw_numbers)))
            if len(rows) > MOST_ROWS:
                text = _("The table shows the first {} rows out of {}; the file holds them all.")
                found.append(nodes.paragraph("", str(text).format(MOST_ROWS, _thousands(len(rows)))))
            suffix = f"-{part}" if len(tables) > 1 else ""
            name = f"{Path(self.env.docname).name}-figure-{number}{suffix}.csv"
            uri = self._write(f"{self.env.docname}/{name}", figures.csv_text(columns, rows))
            link = addnodes.download_reference("", "", nodes.inline("", str(_("Download the data (CSV)"))))
            link["reftarget"] = uri
            link["refdoc"] = self.env.docname
            found.append(nodes.paragraph("", "", link))
        return [*found, _raw("</details>")]

    def _write(self, name: str, text: str) -> str:
        """Write beside MyST-NB's own pictures; the address is from the root of the sources."""
        path = Path(self.env.mystnb_config.output_folder, name).resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return "/" + os.path.relpath(path, self.app.srcdir)


def _charts(cell: nodes.container) -> Iterator[tuple[nodes.Element, dict]]:
    for bundle in cell.findall(nodes.container):
        if bundle.get("nb_element") == "mime_bundle":
            for raw in bundle.findall(nodes.raw):
                if spec := figures.specification(raw.astext()):
                    yield bundle, spec


def _raw(html: str) -> nodes.raw:
    return nodes.raw("", html, format="html")


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", figures.THIN)


def table_html(columns: list[figures.Column], rows: list[dict], raw_numbers: bool) -> str:
    """A plain table. The first column names the rows where no two of its values are alike."""
    first = [row.get(columns[0].name) for row in rows]
    naming = columns[0].kind != "quantitative" and None not in first and len(set(first)) == len(first)
    titles = [escape(column.title) for column in columns]
    if naming:
        # as pandas writes the name of an index, which `rewrite_html` knows
        rest = len(titles) - 1
        heads = [["", *titles[1:]], [titles[0], *[""] * rest]]
    else:
        heads = [titles]
    head = "".join(f"<tr>{''.join(f'<th>{title}</th>' for title in row)}</tr>" for row in heads)
    lines = []
    for row in rows:
        cells = [_cell(row.get(column.name), column, raw_numbers) for column in columns]
        tags = ["th" if naming and i == 0 else "td" for i in range(len(columns))]
        line = "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in zip(tags, cells, strict=True))
        lines.append(f"<tr>{line}</tr>")
    return f"<table><thead>{head}</thead><tbody>{''.join(lines)}</tbody></table>"


def _cell(value: object, column: figures.Column, raw_numbers: bool) -> str:
    if value is None:
        return ""
    if column.kind == "temporal":
        return figures.day(value)
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, int | float) and column.kind == "quantitative" and not raw_numbers:
        return f"{value:,.12g}"
    return str(value)


def _pages(env: BuildEnvironment) -> set[str]:
    """The pages that hold an interactive figure."""
    if not hasattr(env, "interactive_pages"):
        env.interactive_pages = set()
    return env.interactive_pages


def _forget(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    _pages(env).discard(docname)


def _merge(app: Sphinx, env: BuildEnvironment, docnames, other: BuildEnvironment) -> None:
    _pages(env).update(_pages(other) & set(docnames))


def _publish_library(app: Sphinx, exception: Exception | None) -> None:
    """Vega comes with the site where a page asks for it."""
    if exception is not None or app.builder.format != "html" or not _pages(app.env):
        return
    try:
        library = figures.library(Path(app.srcdir))
    except figures.FigureError as error:
        raise ExtensionError(str(error)) from error
    shutil.copyfile(library, Path(app.outdir, "_static", figures.LIBRARY))


def setup(app: Sphinx) -> dict[str, object]:
    app.add_transform(InteractiveFigures)
    # the script finds the library by the attribute
    library = {"data-library": figures.LIBRARY}
    app.add_js_file("cahiers-vega.js", loading_method="defer", priority=902, **library)
    app.connect("env-purge-doc", _forget)
    app.connect("env-merge-info", _merge)
    app.connect("build-finished", _publish_library, priority=960)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
