"""French typography, set once on the document tree so that pages, titles, menus and search agree.

Authors type ordinary spaces, straight apostrophes and straight quotes. The transform replaces them
in text, never in code, formulae, addresses or raw output. It also gives French format to the
numbers that cells glue into the prose. `french()` and `french_number()` are pure;
`french()` is idempotent.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform

THIN = "\u202f"  # narrow no-break space: before ; ! ? % and between thousands
NBSP = "\u00a0"  # no-break space: before a colon and inside « »
MINUS = "\u2212"

# Never touched: addresses, e-mails, paths, command-line flags.
PROTECTED = re.compile(
    r"(?:https?|ftp|file|s3|mailto):\S*[\w/=#&]"
    r"|www\.\S*[\w/]"
    r"|[\w.+-]+@[\w-]+\.[\w.-]*\w"
    r"|(?<![\w.])(?:\.{1,3}|~)?(?:/[\w.@%*-]+)+/?"
)

_SP = f"[ {NBSP}{THIN}]"
_LETTER = r"[^\W\d_]"

_RULES: list[tuple[re.Pattern[str], str]] = [
    # « mot »
    (re.compile(rf"«{_SP}*(?=\S)"), f"«{NBSP}"),
    (re.compile(rf"(?<=\S){_SP}*»"), f"{NBSP}»"),
    # mot ; mot ! mot ?  (a space is there, or the mark ends a word)
    (re.compile(rf"(?<=[^\s{{(\[«]){_SP}+(?=[;!?](?:[\s!?…)\]»\"”*]|$))"), THIN),
    (re.compile(r"(?<=[\w)\]}»’\"%°€\ufffc])([;!?]+)(?=[\s…)\]»\"”]|$)"), rf"{THIN}\1"),
    # mot : mot
    (re.compile(rf"(?<=[^\s{{(\[«]){_SP}+(?=:(?:\s|$))"), NBSP),
    (re.compile(r"(?<=[\w)\]}»’\"%°€\ufffc])(:)(?=\s|$)"), rf"{NBSP}\1"),
    # l'objet, d'1 an, qu'« un », l'`objet`
    (re.compile(rf"(?<={_LETTER})'(?=[^\W_]|[«“\"\ufffc])"), "’"),
    # suite...
    (re.compile(r"(?<!\.)\.\.\.(?![./\w])"), "…"),
    # 12 345, 22,9 %, 3 €, n° 4
    (re.compile(rf"(?<=\d){_SP}?(?=[%‰](?![\w(]))"), THIN),
    (re.compile(rf"(?<=\d){_SP}(?=€)"), THIN),
    (re.compile(r"(?<=\bn°) (?=\d)"), NBSP),
]

_THOUSANDS = re.compile(
    r"(?<![\w.,\u00a0\u202f])(?<!\d )[1-9]\d{0,2}(?: \d{3})+(?!\w|\.\w|[ \u00a0\u202f]\d)"
)

# 34,730   1,234.5   22.9   -3   22.9%
_NUMBER = re.compile(
    r"(?<![\w.,/:@-])(?P<sign>[-\u2212+]?)(?P<int>[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.(?P<dec>\d+))?"
    r"(?P<pct>\s?%)?(?![\w/:@]|[.,]\w|-\w)"
)
# 8e-06   0.000000e+00
_SCIENTIFIC = re.compile(r"(?P<number>[-\u2212+]?\d+(?:\.\d+)?)e(?P<power>[-+]\d{2,})")
_EXPONENTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# Only a text that starts as a number does is read as numbers: `Python 3.11` is left alone.
_NUMERIC_START = re.compile(r"\s*[\[(]?\s*[-\u2212+]?\d")
SET = "french-number"  # on a node whose number is French already
_INTERVAL = re.compile(r"^([\[(])([^,\[\]()]+), ([^,\[\]()]+)([\])])$")
_UNIT = re.compile(r"(?<=\d) (?=(?:[kKMGT]?o|[kmµn]?s|min|h|[kmc]?m|kg|€|M€|Md€|points?|fois)\b)")


def _power_of_ten(found: re.Match[str]) -> str:
    if float(found["number"]) == 0:
        return "0"
    power = str(int(found["power"])).translate(_EXPONENTS)
    return f"{french_number(found['number'])}{NBSP}×{NBSP}10{power}"


def french_number(text: str) -> str:
    """English format to French: 34,730 → 34 730, 22.9 → 22,9, 22.9% → 22,9 %, -3 → −3, 8e-06 → 8 × 10⁻⁶.

    Plain integers (years, codes) keep their digits as they are. A number that is French already keeps its
    comma, but for one of exactly three decimals (« 12,345 »), which reads as thousands.
    """
    if not _NUMERIC_START.match(text):
        return text
    if scientific := _SCIENTIFIC.fullmatch(text.strip()):
        return _power_of_ten(scientific)

    def one(match: re.Match[str]) -> str:
        sign = MINUS if match["sign"] in ("-", MINUS) else match["sign"]
        number = sign + match["int"].replace(",", THIN)
        if match["dec"] is not None:
            number += "," + match["dec"]
        return number + (f"{THIN}%" if match["pct"] else "")

    interval = _INTERVAL.match(text.strip())
    if interval:
        # pandas writes (12.0, 15.5]; in French ]12,0 ; 15,5]
        left = "[" if interval[1] == "[" else "]"
        right = "]" if interval[4] == "]" else "["
        low, high = (_NUMBER.sub(one, interval[i].strip()) for i in (2, 3))
        return f"{left}{low}{THIN};{NBSP}{high}{right}"
    return _UNIT.sub(NBSP, _NUMBER.sub(one, text))


def french(text: str, before: str = "", after: str = "") -> str:
    """Text with French spaces, apostrophes and ellipses.

    `before` and `after` are the characters next to it on the same line (in the neighbouring nodes).
    """
    parts: list[str] = []
    end = 0
    for match in PROTECTED.finditer(text):
        parts += [text[end : match.start()], match.group()]
        end = match.end()
    parts.append(text[end:])
    for i in range(0, len(parts), 2):
        left = parts[i - 1][-1] if i else before
        right = parts[i + 1][0] if i + 1 < len(parts) else after
        parts[i] = _french(parts[i], left, right)
    return "".join(parts)


def _french(text: str, before: str, after: str) -> str:
    if not text:
        return text
    for pattern, replacement in _RULES:
        # The neighbours serve as context and are never changed nor repeated.
        padded = before + text + after
        last = len(padded) - len(after)

        def keep_context(match: re.Match[str], last: int = last, replacement: str = replacement) -> str:
            if match.start() < len(before) or match.end() > last:
                return match.group()
            if match.start() == match.end() == last and after:
                return ""  # an insertion that belongs to the next node
            return match.expand(replacement)

        text = pattern.sub(keep_context, padded)
        text = text[len(before) : len(text) - len(after)]
    return _THOUSANDS.sub(lambda m: m.group().replace(" ", THIN), text)


def french_quotes(texts: list[str]) -> list[str]:
    """The texts of one paragraph with their straight double quotes made « », if they pair up."""
    counts = sum(len(PROTECTED.sub("", text).split('"')) - 1 for text in texts)
    if counts == 0 or counts % 2:
        return texts
    opening = True
    result = []
    for text in texts:
        spans = [m.span() for m in PROTECTED.finditer(text)]
        out = []
        for i, char in enumerate(text):
            if char == '"' and not any(a <= i < b for a, b in spans):
                char = f"«{NBSP}" if opening else f"{NBSP}»"
                opening = not opening
            out.append(char)
        result.append("".join(out))
    return result


def french_line(text: str) -> str:
    """A whole line (caption, alternative text, description): quotes, then typography."""
    return french(french_quotes([text])[0])


# --- the document tree ------------------------------------------------------------------------

# What holds no prose.
_OPAQUE = (
    nodes.literal,
    nodes.literal_block,
    nodes.doctest_block,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.comment,
    nodes.docinfo,
    nodes.system_message,
    nodes.problematic,
    nodes.footnote_reference,
    nodes.label,
    nodes.image,
    addnodes.productionlist,
    addnodes.index,
)
_OBJECT = "\ufffc"  # stands for an inline node that is not text (code, formula)


def is_french(language: str | None) -> bool:
    return (language or "").lower().startswith("fr")


def is_pasted(node: nodes.Node | None) -> bool:
    return isinstance(node, nodes.inline) and "pasted-text" in node.get("classes", [])


def _is_address(node: nodes.Node) -> bool:
    """A link whose text is its own address."""
    return isinstance(node, nodes.reference) and node.get("refuri", "").rstrip("/").endswith(
        node.astext().rstrip("/") or "\0"
    )


def _is_foreign(node: nodes.Node) -> bool:
    """Words marked as of another language, by `{en}`."""
    return isinstance(node, nodes.Element) and any(c.startswith("language-") for c in node.get("classes", []))


def _leaves(node: nodes.Element) -> list[nodes.Node]:
    """Text and opaque leaves of a paragraph, in reading order."""
    leaves: list[nodes.Node] = []
    for child in node.children:
        if isinstance(child, (nodes.Text, *_OPAQUE)) or _is_address(child) or _is_foreign(child):
            leaves.append(child)
        elif isinstance(child, nodes.Element) and child.children:
            leaves.extend(_leaves(child))
        elif not isinstance(child, nodes.target):
            leaves.append(child)
    return leaves


def _edge(leaf: nodes.Node | None, index: int) -> str:
    if leaf is None:
        return ""
    if isinstance(leaf, nodes.Text):
        text = leaf.astext()
        return text[index] if text else ""
    if isinstance(leaf, nodes.footnote_reference):
        return " "
    return _OBJECT


def set_paragraph(block: nodes.Element) -> None:
    """Set the typography of one block of text, nodes within it included."""
    leaves = _leaves(block)
    texts = [leaf for leaf in leaves if isinstance(leaf, nodes.Text)]
    if not texts:
        return
    quoted = dict(zip(map(id, texts), french_quotes([t.astext() for t in texts]), strict=True))
    for i, leaf in enumerate(leaves):
        if not isinstance(leaf, nodes.Text):
            continue
        old = leaf.astext()
        before = _edge(leaves[i - 1] if i else None, -1)
        after = _edge(leaves[i + 1] if i + 1 < len(leaves) else None, 0)
        new = quoted[id(leaf)]
        if is_pasted(leaf.parent) and not leaf.parent.get(SET):
            new = french_number(new)
            leaf.parent[SET] = True
        new = french(new, before, after)
        if new != old:
            replacement = nodes.Text(new)
            leaf.parent.replace(leaf, replacement)
            leaves[i] = replacement


def _blocks(node: nodes.Element):
    """Innermost blocks of text that may be changed."""
    for child in node.children:
        if not isinstance(child, nodes.Element) or isinstance(child, _OPAQUE):
            continue
        if isinstance(child, nodes.TextElement) and not isinstance(child, nodes.Inline):
            yield child
        else:
            yield from _blocks(child)


class FrenchTypography(SphinxTransform):
    """Runs after translation and the insertion of the table of contents, before titles are read."""

    default_priority = 870

    def apply(self, **kwargs) -> None:
        if not is_french(self.config.language):
            return
        for block in list(_blocks(self.document)):
            set_paragraph(block)
        for image in self.document.findall(nodes.image):
            if image.get("alt"):
                image["alt"] = french_line(image["alt"])
        for toctree in self.document.findall(addnodes.toctree):
            if toctree.get("caption"):
                toctree["caption"] = french_line(toctree["caption"])
            toctree["entries"] = [
                (french_line(title) if title else title, target) for title, target in toctree["entries"]
            ]


class FrenchPastedNumbers(SphinxPostTransform):
    """Numbers glued from another chapter only reach the tree after it was read."""

    default_priority = 6  # just after MyST-NB resolves them

    def run(self, **kwargs) -> None:
        if not is_french(self.config.language):
            return
        for node in self.document.findall(nodes.inline):
            if is_pasted(node) and not node.get(SET):
                for leaf in list(node.findall(nodes.Text)):
                    new = french(french_number(leaf.astext()))
                    if new != leaf.astext():
                        leaf.parent.replace(leaf, nodes.Text(new))


def setup(app: Sphinx) -> dict[str, object]:
    app.add_transform(FrenchTypography)
    app.add_post_transform(FrenchPastedNumbers)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
