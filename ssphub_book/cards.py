"""The image that goes with a link to a page when it is shared: the book, the title, the question.

Drawn with Matplotlib and the font that it carries, so that nothing comes from another site and the
same words give the same bytes.
"""

from __future__ import annotations

import hashlib
import textwrap
from pathlib import Path

WIDTH, HEIGHT = 1200, 630
FONT = "DejaVu Sans"
PAPER, INK, SOFT_INK, BRICK = "#fdfbf7", "#24211d", "#5a534a", "#7a2e1d"
TITLE_WIDTH, TEXT_WIDTH = 30, 64  # characters a line: a right margin is left at usual widths
TITLE_LINES, TEXT_LINES = 3, 4


def name(page: str, *words: str) -> str:
    """The file of a page's card: it changes with the words and with this module's drawing."""
    key = repr((words, Path(__file__).read_text(encoding="utf-8")))
    return f"{page.replace('/', '-')}-{hashlib.sha256(key.encode()).hexdigest()[:8]}.png"


def alternative(book: str, title: str, text: str) -> str:
    """What the card says, for those who do not see it."""
    return " ".join(line if line[-1:] in "?!…." else f"{line}." for line in _lines(book, title, text))


def _lines(book: str, title: str, text: str) -> list[str]:
    """The welcome page bears the title of the book, and a page may have no text but its title."""
    return [line for line in dict.fromkeys((book, title, text)) if line]


def draw(path: Path, book: str, title: str, text: str) -> None:
    """Write the card as a PNG of WIDTH by HEIGHT pixels."""
    import matplotlib  # here: only a page whose words changed needs it
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor=PAPER)
        for corner, size in (((0, 0), (0.025, 1)), ((0.07, 0.115), (0.06, 0.006))):
            figure.add_artist(Rectangle(corner, *size, transform=figure.transFigure, color=BRICK))
        if book != title:
            _write(figure, 0.90, book, size=24, color=BRICK)
        title = wrap(title, TITLE_WIDTH, TITLE_LINES)
        _write(figure, 0.78, title, size=40, color=INK, weight="bold", linespacing=1.15)
        lines = wrap(text, TEXT_WIDTH, TEXT_LINES) if text != title else ""
        _write(figure, 0.17, lines, size=22, color=SOFT_INK, va="bottom", linespacing=1.3)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        figure.savefig(partial, format="png", metadata={"Software": None})
        partial.replace(path)


def _write(figure, height: float, text: str, va: str = "top", **style) -> None:
    figure.text(0.07, height, text, family=FONT, va=va, parse_math=False, **style)


def wrap(text: str, width: int, lines: int) -> str:
    """The text in at most `lines` lines; no-break spaces hold."""
    return "\n".join(textwrap.wrap(text, width, max_lines=lines, placeholder=" …"))
