"""Imports, once, what each rendering and each execution needs: the fork server loads this module."""

from importlib import import_module
from pkgutil import iter_modules

import jupyter_book.sphinx  # noqa: F401
from sphinx.application import builtin_extensions

import ssphub_book.sphinx as ours

# What extensions import when they are set up, or when the first page is read or written.
OTHERS = (
    "IPython.core.formatters",
    "IPython.display",
    "jupyter_cache.executors",
    "latex2mathml.converter",
    "myst_nb.sphinx_ext",
    "nbclient",
    "notfound.extension",
    "pydata_sphinx_theme.pygments",
    "sphinx.builders.html",
    "sphinx.search.fr",
    "sphinx_book_theme",
    "sphinx_comments",
    "sphinx_design.extension",
    "sphinx_external_toc.collectors",
    "sphinx_external_toc.events",
    "sphinx_jupyterbook_latex.transforms",
    "sphinx_multitoc_numbering",
    "ssphub_book.execution",
    "ssphub_book.preview.lines",
)

for name in (
    *builtin_extensions,
    *OTHERS,
    *(f"{ours.__name__}.{m.name}" for m in iter_modules(ours.__path__)),
):
    import_module(name)
