"""How a chapter is run: in SSP Cloud, or on one's own computer. The chapter's card shows it."""

from __future__ import annotations

from html import escape
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.locale import _

from ssphub_book import launch, settings
from ssphub_book.chapters import NOTEBOOKS
from ssphub_book.learner import ARCHIVE, EXERCISES, SOLUTIONS, UNIX


def ways(app: Sphinx, docname: str, front: dict) -> str:
    """The ways to run the chapter; empty where the book has no address or repository of its own."""
    config = Path(app.srcdir, "_config.yml")
    book = settings.read(config.parent) if config.is_file() else None
    if book is None or not book.address or not book.repository or not front.get("sspcloud"):
        return ""
    try:
        found = _in_sspcloud(book, docname, front["sspcloud"]), _on_ones_own(app, docname)
    except launch.LaunchError as error:
        raise ExtensionError(str(error)) from None
    return "\n".join(f'<div class="voie">{way}</div>' for way in found)


def _in_sspcloud(book: settings.Settings, docname: str, wanted: dict) -> str:
    """The link, and in plain words what it needs and what it does."""
    url = launch.link(book, docname.removeprefix(f"{NOTEBOOKS}/"), wanted["chart"], wanted["memoire"])
    need = _("An account is needed, with an e-mail address of the public service or of academia.")
    script = f'<a rel="external" href="{escape(launch.script(book))}">{_("this script")}</a>'
    runs = _("It starts JupyterLab in your name and runs {}, which fetches and opens the notebook.")
    runs = runs.format(script)
    warning = ""
    if not launch.has_home(book):
        text = _("SSP Cloud and the repository do not open yet: they will once the book has its home.")
        warning = f'<p class="fiche-avertissement">{text}</p>\n'
    return (
        f'<p><a class="bouton" rel="external" href="{escape(url)}">{_("Open in SSP Cloud")}</a></p>\n'
        f"<p>{need} {runs}</p>\n{warning}"
    )


def _on_ones_own(app: Sphinx, docname: str) -> str:
    """The notebooks to download, and the one command that runs them."""
    folder = app.builder.get_relative_uri(docname, "x").removesuffix("x.html")
    name = docname.rpartition("/")[2]
    links = {
        f"{name}{EXERCISES}.ipynb": _("Download the notebook"),
        f"{name}{SOLUTIONS}.ipynb": _("The version with solutions"),
        f"{folder}{ARCHIVE}": _("All the notebooks, with their data (zip)"),
    }
    items = "".join(
        f'<li><a href="{escape(address, quote=True)}" download>{text}</a></li>'
        for address, text in links.items()
    )
    return (
        f"<p>{_('Without an account, on your own computer:')}</p>\n<ul>{items}</ul>\n"
        f"<details><summary>{_('The command to run them')}</summary>\n"
        f"<p>{_('Unzip all the notebooks, then type this command in their folder (Linux, macOS):')}</p>\n"
        f'<div class="highlight"><pre>{escape(UNIX)}</pre></div>\n'
        f"<p>{_('On Windows, follow the file LISEZMOI.md of the archive.')}</p>\n</details>"
    )


def setup(app: Sphinx) -> dict[str, object]:
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
