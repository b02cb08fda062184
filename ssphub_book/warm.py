"""Loads what a rendering needs before anyone asks for it, in the process that others are forked from."""

from importlib import import_module
from pkgutil import iter_modules

from ssphub_book import sphinx
from ssphub_book.processes import loading

# Jupyter Book, and what it imports only once it is set up, or when the first page is read or written.
LATER = (
    "jupyter_book.sphinx",
    "IPython.core.formatters",
    "latex2mathml.converter",
    "myst_nb.sphinx_ext",
    "notfound.extension",
    "pydata_sphinx_theme.pygments",
    "sphinx.builders.html",
    "sphinx_book_theme",
    "sphinx_comments",
    "sphinx_design.extension",
    "sphinx_external_toc.collectors",
    "sphinx_external_toc.events",
    "sphinx_jupyterbook_latex.transforms",
    "sphinx_multitoc_numbering",
)
OWN = (f"ssphub_book.sphinx.{module.name}" for module in iter_modules(sphinx.__path__))

with loading():
    for name in (*LATER, *OWN):
        import_module(name)
