"""What a page shows besides its cells: images and tables written in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from ssphub_book.chapters import Chapter
from ssphub_book.contract import prose
from ssphub_book.contract.finding import Finding
from ssphub_book.contract.outputs import EMPTY_ALT


def _images(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    for image in prose.read(chapter).images:
        if EMPTY_ALT.fullmatch(image.alt):
            said = f"le texte de remplacement « {image.alt} » ne dit rien."
            message = said if image.alt else "image sans texte de remplacement."
            remedy = "dites ce que montre l'image : ![texte](fichier), ou l'option « :alt: » de {figure}."
            yield Finding(chapter.file, image.line, "texte-de-remplacement", message, remedy)
        if image.caption == "":
            remedy = "écrivez-la dans le bloc {figure}, après ses options ; sans légende, prenez {image}."
            yield Finding(chapter.file, image.line, "legende", "figure sans légende.", remedy)


def _tables(chapter: Chapter, toc: set[str]) -> Iterator[Finding]:
    for line in prose.read(chapter).bare_tables:
        remedy = "placez-le dans un bloc « ```{table} Sa légende » … « ``` »."
        yield Finding(chapter.file, line, "legende", "tableau sans légende.", remedy)


RULES = (_images, _tables)
