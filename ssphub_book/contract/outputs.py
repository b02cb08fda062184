"""The figures and tables of a chapter: their descriptions, and what only its execution shows."""

from __future__ import annotations

import binascii
import io
import re
from collections.abc import Iterator

from nbformat import NotebookNode

from ssphub_book import figures
from ssphub_book.chapters import Cell, Chapter
from ssphub_book.contract.finding import Finding

EMPTY_ALT = re.compile(r"(figure|graphique|image|carte|photo|schéma)?\s*\d*\W*|\S+\.\w{3,4}", re.IGNORECASE)
SHOWN = re.compile(r"text/(?:plain|html|markdown|latex)|image/(?:png|jpeg|gif|svg\+xml)")
GLUED = "application/papermill.record/"  # a figure kept for the prose by `glue`
LIVE = re.compile(r"<(?:script|iframe|object|embed)\b", re.IGNORECASE)
NO_AXES = re.compile(r"<Figure size .+ with 0 Axes>")
LARGEST_BLANK = 20_000  # bytes: pictures of a single colour compress to less
# What an output may weigh. The largest in the book when these were set: a text of 3,300 characters, a
# picture of 156 kB (six maps), beside a page that should come whole in 180 kB.
LONGEST_OUTPUT = 10_000  # characters of text or HTML: about 80 lines, or a table of 60 rows
LARGEST_CHART = 200_000  # characters of an interactive figure, data included
LARGEST_IMAGE = 200_000  # bytes
REMEDY = "faites-la avec Altair (le livre en tire une figure interactive) ou avec Matplotlib."


def _figures(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    for cell in chapter.cells:
        if "plt.show(" in cell.source and "remove-cell" not in cell.tags:
            yield from _described(chapter, cell)


def _described(chapter: Chapter, cell: Cell) -> Iterator[Finding]:
    options = cell.metadata.get("mystnb") or {}
    alt = str((options.get("image") or {}).get("alt") or "").strip()
    if not alt:
        message, remedy = (
            "figure sans texte de remplacement.",
            "ajoutez « mystnb: image: alt: » à la cellule.",
        )
        yield Finding(chapter.file, cell.line, "figure", message, remedy)
    elif EMPTY_ALT.fullmatch(alt):
        message, remedy = f"le texte de remplacement « {alt} » ne dit rien.", "dites ce que montre la figure."
        yield Finding(chapter.file, cell.line, "figure", message, remedy)
    if not (options.get("figure") or {}).get("caption"):
        message, remedy = "figure sans légende.", "ajoutez « mystnb: figure: caption: » à la cellule."
        yield Finding(chapter.file, cell.line, "figure", message, remedy)


def check_outputs(chapter: Chapter, notebook: NotebookNode) -> list[Finding]:
    """Findings that only an executed chapter shows: figures, tables and messages of its outputs."""
    nodes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return sorted(
        finding
        for cell, node in zip(chapter.cells, nodes, strict=True)
        if "remove-cell" not in cell.tags
        for finding in _outputs(chapter, cell, node)
    )


def _outputs(chapter: Chapter, cell: Cell, node: NotebookNode) -> Iterator[Finding]:
    if "remove-output" in cell.tags:
        return
    data = [output.get("data", {}) for output in node.outputs]
    charts = [bool(figures.CHART.search(item.get("text/html", ""))) for item in data]
    if any(charts) or any(key.startswith("image/") for item in data for key in item):
        yield from (f for f in _described(chapter, cell) if f not in _figures(chapter, set()))
    for item in data:
        if blank := _blank(chapter, item):
            yield Finding(chapter.file, cell.line, "figure-vide", *blank)
    if any("<table" in item.get("text/html", "") for item in data) and not cell.metadata.get("tableau"):
        remedy = 'ajoutez l\'option « tableau: "…" » à la cellule.'
        yield Finding(chapter.file, cell.line, "tableau", "tableau sans légende.", remedy)
    for rule, message, remedy in _heavy(node.outputs):
        yield Finding(chapter.file, cell.line, rule, message, remedy)
    said = "".join(o.get("text", "") for o in node.outputs if o.get("name") == "stderr").strip()
    if said:
        message = f"la cellule écrit un avertissement sur la page : « {said.splitlines()[0][:120]} »."
        remedy = "corrigez ce qui le provoque ; ne le faites pas taire sans dire pourquoi."
        yield Finding(chapter.file, cell.line, "avertissement", message, remedy)


def _heavy(outputs: list[NotebookNode]) -> Iterator[tuple[str, str, str]]:
    """What weighs too much among the outputs of a cell: rule, message and remedy."""
    for output in outputs:
        data = output.get("data", {})
        html = data.get("text/html", "")
        limit = LARGEST_CHART if figures.CHART.search(html) else LONGEST_OUTPUT
        length = len(html or data.get("text/plain", "") or output.get("text", ""))
        if length > limit:
            message = f"sortie de {_thousands(length)} caractères : {_thousands(limit)} au plus."
            yield "sortie-lourde", message, "montrez-en un extrait (head, agrégat), ou moins de données."
        weight = max((_bytes(kind, text) for kind, text in data.items()), default=0)
        if weight > LARGEST_IMAGE:
            message = f"image de {weight // 1000} ko : {LARGEST_IMAGE // 1000} ko au plus."
            remedy = "réduisez sa taille ou sa résolution, agrégez les points, ou tracez moins de panneaux."
            yield "image-lourde", message, remedy


def _bytes(kind: str, text: str) -> int:
    """Size of a picture, which notebooks keep as base64, or as text if it is drawn; 0 for other data."""
    if not kind.startswith("image/"):
        return 0
    return len(text) if kind == "image/svg+xml" else len(text) * 3 // 4


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _blank(chapter: Chapter, data: dict) -> tuple[str, str] | None:
    """Why one output would leave a blank on the page, and the remedy; None where it shows."""
    html = data.get("text/html", "")
    unknown = [key for key in data if not SHOWN.fullmatch(key) and not key.startswith(GLUED)]
    if (spec := figures.specification(html)) and not unknown:
        try:
            figures.render(spec, chapter.root)
        except figures.FigureError as error:
            return "cette figure interactive ne peut pas paraître.", str(error)
    elif unknown:
        return f"la page ne peut pas montrer cette sortie ({unknown[0]}), elle resterait vide.", REMEDY
    elif LIVE.search(html):
        return "la page n'exécute pas le script de cette figure, elle resterait vide.", REMEDY
    elif NO_AXES.fullmatch(data.get("text/plain", "").strip()) or _one_colour(data.get("image/png", "")):
        return "la figure sort vide.", "tracez-la dans la cellule qui l'affiche, ou retirez cet affichage."
    return None


def _one_colour(png: str) -> bool:
    """Whether a picture, encoded as notebooks do, is of a single colour."""
    if not png or len(png) > LARGEST_BLANK:
        return False
    from PIL import Image

    with Image.open(io.BytesIO(binascii.a2b_base64(png))) as image:
        return all(low == high for low, high in image.convert("RGB").getextrema())


RULES = (_figures,)
