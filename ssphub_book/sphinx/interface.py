"""The book's own pages: layout, style, scripts and interface strings.

Only functions of the theme are used (menus, titles); none of its scripts nor style sheets reaches
a page, so that nothing comes from another site, nothing runs inline, and a page stays light.
Strings of the templates are in English there and translated by theme/locale.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from functools import partial
from html import escape, unescape
from pathlib import Path
from urllib.parse import unquote

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.images import get_image_size

from . import security

THEME = Path(__file__).resolve().parent.parent / "theme"
CATALOGUE = "sphinx"  # the domain that Sphinx gives to templates

# What a page loads beside its own style sheet and script, and what on the page calls for it.
OPTIONAL_CSS = {
    "sphinx-design.min.css": re.compile(r'class="[^"]*\bsd-(?:row|btn|badge|container|carousel)'),
    "mystnb": re.compile(r'class="-Color'),
}
OPTIONAL_JS = {
    "cahiers-catalogue.js": re.compile(r'class="notice"'),
    "cahiers-progres.js": re.compile(r'class="(?:question|chapitre-lien)"'),
    "cahiers-vega.js": re.compile(r'class="figure-vega"'),
    "design-tabs.js": re.compile(r"data-sync-id="),
}

# Parts of the theme's own layout, which ours does not show: it would make them for each page.
THEME_PARTS = (
    "navbar_start",
    "navbar_center",
    "navbar_end",
    "navbar_persistent",
    "article_header_start",
    "article_header_end",
    "article_footer_items",
    "content_footer_items",
    "footer_content_items",
    "footer_start",
    "footer_center",
    "footer_end",
    "primary_sidebar_end",
    "secondary_sidebar_items",
)

# Written by the theme and other extensions, asked for by no page.
UNUSED = (
    "vendor",
    "scripts",
    "styles",
    "locales",
    "images",
    "sbt-webpack-macros.html",
    "webpack-macros.html",
    "basic.css",
    "file.png",
    "minus.png",
    "plus.png",
    ".gitignore",
)


def compile_catalogues(destination: Path) -> Path:
    """Compile the catalogues of theme/locale, which stay as text in the repository."""
    for source in sorted((THEME / "locale").glob(f"*/LC_MESSAGES/{CATALOGUE}.po")):
        target = destination / source.relative_to(THEME / "locale").with_suffix(".mo")
        target.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as text:
            catalogue = read_po(text)
        with target.open("wb") as binary:
            write_mo(binary, catalogue)
    return destination


def on_config(app: Sphinx, config: Config) -> None:
    config.templates_path.insert(0, str(THEME / "templates"))
    config.html_static_path.append(str(THEME / "static"))
    config.html_sidebars = {"**": []}
    config.html_theme_options |= {part: [] for part in THEME_PARTS}
    # Jupyter Book's LaTeX extension numbers figures for every builder, whatever _config.yml says. A number
    # would change with each chapter added, and nothing refers to one.
    config["numfig"] = False


def select_assets(files: list, optional: dict[str, re.Pattern[str]], body: str) -> list:
    """The assets this page uses: the book's own (`cahiers…`) and what its content calls for."""

    def used(asset: object) -> bool:
        name = Path(str(getattr(asset, "filename", asset) or "")).name
        for key, content in optional.items():
            if name.startswith(key):
                return bool(content.search(body))
        return name == "pygments.css" or name.startswith("cahiers")

    return [asset for asset in files if used(asset)]


_CAPTION = re.compile(r'<p[^>]*class="caption"[^>]*>\s*<span class="caption-text">(.*?)</span>\s*</p>')


def menu(toctree: str) -> str:
    """The book's table of contents: one folded list per part, the current one open, where the
    pages under the current one show too."""
    toctree = toctree.replace('class="current reference', 'aria-current="page" class="reference')
    pieces = _CAPTION.split(toctree)
    html = pieces[0].strip()
    for caption, links in zip(pieces[1::2], pieces[2::2], strict=True):
        state = " open" if 'aria-current="page"' in links else ""
        html += f"<details{state}><summary>{caption}</summary>{links.strip()}</details>\n"
    return html


_LOCAL = re.compile(r"^\s*<ul>\s*<li><a[^>]*>.*?</a>(?P<inner><ul>.*</ul>)\s*</li>\s*</ul>\s*$", re.S)


def local_toc(toc: str) -> str:
    """The sections of the page without its title."""
    match = _LOCAL.match(toc or "")
    return match["inner"] if match else ""


_SUMMARY = re.compile(r"(<summary\b[^>]*>)(.*?)(</summary>)", re.S)
_MARKER = re.compile(r'<span class="sd-summary-state-marker.*?</span>', re.S)
_PARAGRAPH = re.compile(r"<(/?)p\b")


def clean_body(body: str) -> str:
    """Remove what served scripts that are gone, arrows that the browser draws itself, and an English
    label of MyST-NB, which hid the visible one; make its `summary` valid, for which a paragraph is
    not; make images load when they are seen."""
    body = _SUMMARY.sub(lambda m: m[1] + _PARAGRAPH.sub(r"<\1span", m[2]) + m[3], body)
    body = _MARKER.sub("", body)
    body = re.sub(r' class="tex2jax_ignore mathjax_ignore"', "", body)
    body = body.replace(' aria-label="Toggle hidden content"', "")
    return body.replace("<img ", '<img loading="lazy" decoding="async" ')


# docutils adds its own to that of the layout
_VIEWPORT = re.compile(r'\s*<meta name="viewport"[^>]*>')


_IMAGE = re.compile(r'<img (?=[^>]*src="[^"]*_images/([^"/]+)")(?![^>]*\bwidth=)')


def size_images(body: str, size: Callable[[str], tuple[int, int] | None]) -> str:
    """Images with their size, so that the text below keeps its place while they load."""

    def sized(match: re.Match[str]) -> str:
        found = size(unquote(unescape(match[1])))
        return f'<img width="{found[0]}" height="{found[1]}" ' if found else match[0]

    return _IMAGE.sub(sized, body)


def _image_size(app: Sphinx, name: str) -> tuple[int, int] | None:
    """The size of an image of the site, read in the file it will be copied from."""
    source = next((path for path, copy in app.builder.images.items() if copy == name), None)
    return get_image_size(str(Path(app.srcdir, source))) if source else None


def on_page(app: Sphinx, pagename, templatename, context, doctree) -> None:
    body = context.get("body") or ""
    context["css_files"] = select_assets(context.get("css_files", []), OPTIONAL_CSS, body)
    context["script_files"] = select_assets(context.get("script_files", []), OPTIONAL_JS, body)
    context["body"] = size_images(clean_body(body), partial(_image_size, app))
    context["local_toc"] = local_toc(context.get("toc", "")) if context.get("display_toc") else ""
    title = re.sub(r"<[^>]+>", "", context.get("title") or "")
    context["plain_title"] = unescape(title)
    context["metatags"] = _VIEWPORT.sub("", context.get("metatags", ""))
    if "toctree" in context:
        tree = context["toctree"](collapse=True, maxdepth=2, includehidden=True, titles_only=True)
        context["menu"] = menu(str(tree or ""))
    context["has_page"] = lambda name: name in app.env.found_docs


def rewrite_translations(static: Path) -> None:
    """Sphinx's own search strings without `new Function`, which a strict CSP refuses."""
    path = static / "translations.js"
    if not path.is_file():
        return
    match = re.search(r"Documentation\.addTranslations\((\{.*\})\)", path.read_text("utf-8"), re.S)
    if match:
        catalogue = json.loads(match[1])
        messages = json.dumps(catalogue["messages"], ensure_ascii=False, sort_keys=True)
        path.write_text(
            f"Object.assign(Documentation.TRANSLATIONS, {messages});\n"
            "Documentation.PLURAL_EXPR = (n) => Number(n > 1);\n"
            f"Documentation.LOCALE = {json.dumps(catalogue['locale'])};\n",
            encoding="utf-8",
        )


ENTRY = """<!DOCTYPE html>
<html lang="{language}">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1.0" />
    {security}
    <title>{title}</title>
    <link rel="stylesheet" href="_static/cahiers.css" />
    <link rel="icon" type="image/svg+xml" href="_static/icone.svg" />
    <meta http-equiv="refresh" content="0; url={target}" />
  </head>
  <body>
    <main>
      <h1><a href="{target}">{title}</a></h1>
    </main>
  </body>
</html>
"""


def write_entry(app: Sphinx) -> None:
    """The site's address leads to the welcome page."""
    if app.config.master_doc != "index":
        target = app.builder.get_target_uri(app.config.master_doc)
        title = escape(app.config.html_title or app.config.project)
        text = ENTRY.format(
            language=app.config.language, title=title, target=target, security=security.meta()
        )
        Path(app.outdir, "index.html").write_text(text, encoding="utf-8")


def on_finished(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    rewrite_translations(static)
    write_entry(app)
    for name in UNUSED:
        path = static / name
        if path.is_dir():
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()


def setup(app: Sphinx) -> dict[str, object]:
    locale = compile_catalogues(Path(app.doctreedir).parent / "locale")
    app.add_message_catalog(CATALOGUE, str(locale))
    app.connect("config-inited", on_config, priority=900)
    app.add_css_file("cahiers.css", priority=900)
    app.add_js_file("cahiers-theme.js", priority=100)  # before the first paint
    app.add_js_file("cahiers.js", loading_method="defer", priority=900)
    app.add_js_file("cahiers-recherche.js", loading_method="defer", priority=901)
    app.add_js_file("cahiers-lecture.js", loading_method="defer", priority=902)
    app.connect("html-page-context", on_page, priority=950)
    app.connect("build-finished", on_finished, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
