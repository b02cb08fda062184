"""Imports, once, what each rendering and each execution needs: the fork server loads this module."""

from importlib import import_module
from pkgutil import iter_modules

import jupyter_book.sphinx  # noqa: F401
from sphinx.application import builtin_extensions

import ssphub_book.execution
import ssphub_book.sphinx as ours

OTHERS = (
    "myst_nb",
    "nbclient",
    "notfound.extension",
    "pydata_sphinx_theme",
    "sphinx.search.fr",
    "sphinx_book_theme",
    "sphinx_comments",
    "sphinx_design",
    "sphinx_external_toc",
    "sphinx_multitoc_numbering",
    "ssphub_book.preview.lines",
)

for name in (*builtin_extensions, *OTHERS, *(f"{ours.__name__}.{m.name}" for m in iter_modules(ours.__path__))):
    import_module(name)
