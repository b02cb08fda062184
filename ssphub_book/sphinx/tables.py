"""Tables that everybody can read: caption, scoped headers, French numbers, a box that scrolls.

Tables that cells display come as HTML from pandas or polars and are rewritten when the page is
read. Their caption is the option `tableau:` of the cell (a text, or a list for several tables);
the tag `nombres-bruts` keeps numbers as they are (versions, codes). Tables written in Markdown take
their caption from the directive `{table}` around them, and get their scopes when the page is written.
"""

from __future__ import annotations

import re
from html import escape

from bs4 import BeautifulSoup, Tag
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

from .typography import french, french_line, french_number, is_french

LOGGER = logging.getLogger(__name__)
UNCAPTIONED = "tableau sans légende : placez-le dans « ```{table} Sa légende » … « ``` »"
RAW_NUMBERS = "nombres-bruts"
BOX = "tableau-cadre"
_NUMERIC = re.compile(r"[\]\[(]?[-+\u2212]?\d[\d\s\u202f,.;%()\[\]eE+\u2212-]*(?:×\u00a010[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?")
_LARGE = re.compile(r"[-+\u2212]?[1-9]\d{4,}(?:\.\d+)?")
_WHOLE = re.compile(r"\d+")
_CODE = re.compile(
    r"0\d+|(?=.*\d)(?=.*[A-Za-z])[0-9A-Za-z]{4,}|\d+(?:\.\d+){2,}"
)  # 01001, 2A004, a1b2, 1.1.0
_NAMES_A_CODE = re.compile(r"(?<![^\W_])(?:code|commit|identifiant|insee|port|siren|siret)s?(?![^\W_])", re.I)
_SHAPE = re.compile(r"^\s*([\d,]+) rows × ([\d,]+) columns\s*$")
_PRESENTATION = ("style", "border", "align", "valign", "bgcolor", "width", "height", "halign")


def _text(cell: Tag) -> str:
    return cell.get_text().strip()


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name, "1"))
    return int(value) if value.isdigit() else 1


def _header_rows(head: Tag) -> list[Tag]:
    return head.find_all("tr")


def _merge_index_names(head: Tag) -> bool:
    """pandas puts the names of the index on a row of their own: join it to the headers above."""
    rows = _header_rows(head)
    if len(rows) < 2:
        return False
    last, above = (row.find_all(["th", "td"]) for row in (rows[-1], rows[-2]))
    named = [i for i, cell in enumerate(last) if _text(cell)]
    width = named[-1] + 1 if named else 0
    if not named or any(_span(cell, "colspan") > 1 for cell in last) or width == len(last):
        return False
    # The first cells of the row above stand over the index: empty, or the name of the columns.
    if sum(_span(cell, "colspan") for cell in above) != len(last):
        return False
    covered, corner = 0, []
    for cell in above:
        if covered >= width:
            break
        corner.append(cell)
        covered += _span(cell, "colspan")
    if covered != width:
        return False
    columns_name = next((_text(cell) for cell in corner if _text(cell)), "")
    if columns_name:
        _name_columns(head, rows[-2], above[len(corner) :], columns_name, width)
    for cell in corner[1:]:
        cell.decompose()
    first = corner[0]
    for i in range(width):
        first.insert_before(last[i].extract())
    first.decompose()
    rows[-1].decompose()
    return True


def _name_columns(head: Tag, row: Tag, columns: list[Tag], name: str, width: int) -> None:
    """A row above the headers that says what the columns are (`année` over 2020, 2021)."""
    soup = BeautifulSoup("", "html.parser")
    title_row = soup.new_tag("tr")
    empty = soup.new_tag("td")
    if width > 1:
        empty["colspan"] = str(width)
    group = soup.new_tag("th")
    group["colspan"] = str(sum(_span(cell, "colspan") for cell in columns))
    group.string = name
    title_row.append(empty)
    title_row.append(group)
    row.insert_before(title_row)


def _lift_columns_name(head: Tag, body_headers: int) -> None:
    """The same where the index has no name: pandas leaves that of the columns in the corner."""
    rows = _header_rows(head)
    if len(rows) != 1 or not body_headers:
        return
    cells = rows[0].find_all(["th", "td"])
    corner, columns = cells[:body_headers], cells[body_headers:]
    name = next((_text(cell) for cell in corner if _text(cell)), "")
    if not name or not columns:
        return
    _name_columns(head, rows[0], columns, name, body_headers)
    for cell in corner:
        cell.clear()


def _scopes(table: Tag) -> None:
    for section in table.find_all(["thead", "tbody", "tfoot"]):
        for cell in section.find_all("th"):
            if not _text(cell) and not cell.find("img"):
                cell.name = "td"
                cell.attrs.pop("scope", None)
                continue
            if section.name == "thead":
                cell["scope"] = "colgroup" if _span(cell, "colspan") > 1 else "col"
            else:
                cell["scope"] = "rowgroup" if _span(cell, "rowspan") > 1 else "row"


def _group_thousands(table: Tag) -> None:
    """Whole digits of the table's large quantities, in groups of three: 508788 → 508 788.

    A column that holds codes, or a row or column whose header names some, keeps its digits; so do numbers
    of four digits, which may be years.
    """
    rows = [row.find_all(["td", "th"], recursive=False) for row in table.find_all("tr")]
    width = max(map(len, rows), default=0)
    for rank in range(1, width + 1):  # from the right: on the left, a header may span several rows
        column = [row[-rank] for row in rows if len(row) >= rank]
        if any(_CODE.fullmatch(_text(c)) or _names_a_code(c, "thead") for c in column):
            continue
        for cell in column:
            named = any(_names_a_code(c, "tbody") for c in cell.parent.find_all("th", recursive=False))
            if cell.find_parent("tbody") and _LARGE.fullmatch(_text(cell)) and not named and not cell.code:
                leaf = next(s for s in cell.find_all(string=True) if s.strip())
                leaf.replace_with(_WHOLE.sub(lambda m: f"{int(m[0]):,}", leaf, count=1))


def _names_a_code(cell: Tag, section: str) -> bool:
    return cell.name == "th" and bool(cell.find_parent(section)) and bool(_NAMES_A_CODE.search(_text(cell)))


def _numbers(table: Tag, convert: bool) -> None:
    if convert:
        _group_thousands(table)
    for cell in table.find_all(["td", "th"]):
        leaves = [leaf for leaf in cell.find_all(string=True) if not leaf.find_parent("code")]
        for leaf in leaves:
            old = str(leaf)
            new = french(french_number(old)) if convert else old
            if new != old:
                leaf.replace_with(new)
        text = _text(cell)
        if cell.name == "td" and text and (_NUMERIC.fullmatch(text) or text in ("NaN", "nan")):
            cell["class"] = [*cell.get("class", []), "nombre"]


def accessible_table(table: Tag, caption: str, french_text: bool = True, raw: bool = False) -> Tag:
    """Rewrite one table in place and return the box that now holds it."""
    soup = BeautifulSoup("", "html.parser")
    for tag in [table, *table.find_all(True)]:
        for name in _PRESENTATION:
            tag.attrs.pop(name, None)
        for name in [n for n in tag.attrs if n.startswith("on") or n == "id"]:
            del tag.attrs[name]
    head, body = table.find("thead"), table.find("tbody")
    if head:
        for row in _header_rows(head)[1:]:
            # polars adds a row of types
            if row.find("td") and not row.find("th"):
                row.decompose()
        first = body.find("tr") if body else None
        headers = len(first.find_all("th", recursive=False)) if first else 0
        if not _merge_index_names(head):
            _lift_columns_name(head, headers)
    _scopes(table)
    if french_text:
        _numbers(table, convert=not raw)
    if not caption and table.caption:
        caption = _text(table.caption)
    if table.caption:
        table.caption.decompose()
    if caption:
        node = soup.new_tag("caption")
        node.string = caption
        table.insert(0, node)
    table["class"] = "tableau"
    box = soup.new_tag("div")
    box["class"] = BOX
    box["role"] = "region"
    box["tabindex"] = "0"
    box["aria-label"] = caption
    table.replace_with(box)
    box.append(table)
    return box


def rewrite_html(
    html: str, captions: list[str], unnamed: str = "Tableau", french_text: bool = True, raw=False
) -> str:
    """The HTML of a cell's output with its tables made accessible; the rest is left as it is."""
    soup = BeautifulSoup(html, "html.parser")
    tables = [t for t in soup.find_all("table") if not t.find_parent("table")]
    if not tables or soup.find(class_=BOX):
        return html
    for tag in soup.find_all("style"):
        tag.decompose()
    for paragraph in soup.find_all(["p", "small"]):
        text = paragraph.get_text()
        if match := _SHAPE.match(text):
            rows, columns = (french_number(n) for n in match.groups())
            paragraph.string = f"{rows} lignes × {columns} colonnes" if french_text else text
            paragraph["class"] = "tableau-taille"
        elif text.startswith("shape:"):
            paragraph.decompose()
    for i, table in enumerate(tables):
        caption = captions[i] if i < len(captions) else ""
        if french_text:
            caption = french_line(caption)
        box = accessible_table(table, caption, french_text, raw)
        if not box["aria-label"]:
            box["aria-label"] = unnamed if i == 0 else f"{unnamed} ({i + 1})"
        # the wrapper of pandas is of no use
        parent = box.parent
        if parent is not None and parent.name == "div" and len(parent.find_all("table")) == 1:
            siblings = [c for c in parent.children if c is not box and str(c).strip()]
            if not siblings:
                parent.replace_with(box)
    return str(soup).strip()


class CellTables(SphinxTransform):
    """Tables in the outputs of code cells."""

    default_priority = 871

    def apply(self, **kwargs) -> None:
        french_text = is_french(self.config.language)
        count = 0
        for cell in self.document.findall(nodes.container):
            if cell.get("nb_element") != "cell_code":
                continue
            metadata = cell.get("cell_metadata", {})
            captions = metadata.get("tableau") or []
            captions = [captions] if isinstance(captions, str) else [str(c) for c in captions]
            raw_numbers = RAW_NUMBERS in metadata.get("tags", [])
            for raw in cell.findall(nodes.raw):
                html = raw.astext()
                if raw.get("format") != "html" or "<table" not in html:
                    continue
                count += 1
                label = f"Tableau {count} de la page" if french_text else f"Table {count}"
                new = rewrite_html(html, captions, label, french_text, raw_numbers)
                captions = captions[html.count("<table") :]
                raw.children = [nodes.Text(new)]
                raw.children[0].parent = raw
                raw.rawsource = new


_MARKDOWN_HEAD = re.compile(r'<th class="((?:[^"]* )?(head|stub)(?: [^"]*)?)"')
_MARKDOWN_BOX = re.compile(
    r'<div class="pst-scrollable-table-container">\s*'
    r"(<table[^>]*>\s*(?:<caption>(.*?)</caption>)?)",
    re.S,
)


def scope_markdown_tables(body: str, unnamed: str = "Tableau du texte") -> str:
    """Scopes on the headers of docutils' tables; the box that scrolls gets a stop and a name."""
    count = 0

    def box(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        name = (
            re.sub(r'<a class="headerlink".*?</a>|<[^>]+>', "", match[2] or "").strip()
            or f"{unnamed} {count}"
        )
        return (
            f'<div class="pst-scrollable-table-container" role="region" tabindex="0" '
            f'aria-label="{escape(name, quote=True)}">{match[1]}'
        )

    def head(match: re.Match[str]) -> str:
        # a header of the body is a "stub"
        scope = "row" if match[2] == "stub" else "col"
        return f'<th scope="{scope}" class="{match[1]}"'

    return _MARKDOWN_BOX.sub(box, _MARKDOWN_HEAD.sub(head, body))


class MarkdownCaptions(SphinxTransform):
    """A table of the text without caption is a warning, which stops the build of the book."""

    default_priority = 872

    def apply(self, **kwargs) -> None:
        for table in self.document.findall(nodes.table):
            if not any(isinstance(child, nodes.title) for child in table.children):
                LOGGER.warning(UNCAPTIONED, location=table)


def on_page(app: Sphinx, pagename, templatename, context, doctree) -> None:
    if doctree is not None and "<table" in context.get("body", ""):
        name = "Tableau du texte" if is_french(app.config.language) else "Table"
        context["body"] = scope_markdown_tables(context["body"], name)


def setup(app: Sphinx) -> dict[str, object]:
    app.add_transform(CellTables)
    app.add_transform(MarkdownCaptions)
    app.connect("html-page-context", on_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
