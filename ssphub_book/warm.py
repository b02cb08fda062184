"""Loads what a rendering needs before anyone asks for it, in the process that others are forked from."""

from importlib import import_module
from pkgutil import iter_modules

import jupyter_book.sphinx  # noqa: F401

import ssphub_book.sphinx

# What these import only when they are set up, or when the first page is read or written.
LATER = (
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
OWN = (f"ssphub_book.sphinx.{module.name}" for module in iter_modules(ssphub_book.sphinx.__path__))

for name in (*LATER, *OWN):
    import_module(name)
