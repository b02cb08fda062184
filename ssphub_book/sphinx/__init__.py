"""Sphinx extensions of the book: one file per directive or transform, each with its own `setup()`.

`_config.yml` names this package; every module of it is loaded, so a new extension is a new file.
"""

from pkgutil import iter_modules


def setup(app):
    for module in sorted(iter_modules(__path__), key=lambda module: module.name):
        app.setup_extension(f"{__name__}.{module.name}")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
