"""What programs read in the head of a page: preview of a shared link, structured data, dates, feed.

Absolute addresses come from `html_baseurl`; without it only the date of the last change is given.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from babel.dates import format_date
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

from ssphub_book import cards, feeds, history, network

from .header import describe, front_matter
from .typography import french_line, is_french

CARDS = "partage"
LICENCE = "https://www.etalab.gouv.fr/licence-ouverte-open-licence"
LOCALES = {"fr": "fr_FR", "en": "en_GB"}
DESCRIPTION_LENGTH = 300


@dataclass(frozen=True)
class Page:
    """What is known of one page of the book."""

    name: str
    address: str
    title: str
    description: str
    card: str
    front: dict = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None


def page_of(app: Sphinx, docname: str) -> Page:
    """Gather what the environment and Git know of a page."""
    title = app.env.titles[docname].astext()
    description = describe(app, docname) or title
    first, last = app.env.page_dates.get(docname, (None, None))
    return Page(
        name=docname,
        address=base(app) + app.builder.get_target_uri(docname),
        title=title,
        description=description,
        card=f"{CARDS}/{cards.name(docname, book(app), title, description)}",
        front=front_matter(app.env, docname),
        first=first,
        last=last,
    )


def base(app: Sphinx) -> str:
    """The address of the site, with a slash at its end; empty where none is set."""
    address = app.config.html_baseurl
    return f"{address.rstrip('/')}/" if address else ""


def book(app: Sphinx) -> str:
    return app.config.html_title or app.config.project


# --- the tags ----------------------------------------------------------------------------------


def social(app: Sphinx, page: Page) -> dict[str, str]:
    """OpenGraph properties."""
    welcome = page.name == app.config.master_doc
    card = {
        "og:image": base(app) + page.card,
        "og:image:type": "image/png",
        "og:image:width": str(cards.WIDTH),
        "og:image:height": str(cards.HEIGHT),
        "og:image:alt": cards.alternative(book(app), page.title, page.description),
    }
    tags = {
        "og:title": page.title,
        "og:description": page.description,
        "og:type": "website" if welcome else "article",
        "og:url": page.address,
        "og:site_name": book(app),
        "og:locale": LOCALES.get(app.config.language or "", ""),
        **card,
        "article:published_time": page.first.isoformat() if page.first else "",
        "article:modified_time": page.last.isoformat() if page.last else "",
    }
    return {key: value for key, value in tags.items() if value}


def structured(app: Sphinx, page: Page) -> dict:
    """schema.org's description of the page."""
    about = {
        "name": page.title,
        "description": page.description,
        "url": page.address,
        "inLanguage": app.config.language,
        "license": LICENCE,
        "isAccessibleForFree": True,
        "author": {"@type": "Organization", "name": app.config.author},
    }
    if page.first:
        about["datePublished"] = page.first.isoformat()
    if page.last:
        about["dateModified"] = page.last.isoformat()
    if page.name == app.config.master_doc:
        return {"@context": "https://schema.org", "@graph": [_site(app), _book(app) | about]}
    parent = {"@type": "Book", "@id": f"{base(app)}#livre", "name": book(app), "url": base(app)}
    kind = _chapter(app, page.front) if page.front else {"@type": "WebPage"}
    return {"@context": "https://schema.org", **kind, **about, "isPartOf": parent}


def _chapter(app: Sphinx, front: dict) -> dict:
    """What the front matter says, in the words of schema.org."""
    goals = [str(goal).strip() for goal in front.get("objectifs") or []]
    about = {
        "@type": "LearningResource",
        "learningResourceType": "chapitre exécutable",
        "educationalLevel": front.get("niveau"),
        "timeRequired": f"PT{front['duree']}M" if front.get("duree") else None,
        "teaches": [french_line(goal) for goal in goals] if is_french(app.config.language) else goals,
        "keywords": [str(word) for word in front.get("mots_cles") or []],
    }
    return {key: value for key, value in about.items() if value}


def _site(app: Sphinx) -> dict:
    search = {
        "@type": "SearchAction",
        "target": f"{base(app)}search.html?q={{mots}}",
        "query-input": "required name=mots",
    }
    about = {"@type": "WebSite", "@id": f"{base(app)}#site", "name": book(app), "url": base(app)}
    return about | {"inLanguage": app.config.language, "potentialAction": search}


def _book(app: Sphinx) -> dict:
    return {"@type": "Book", "@id": f"{base(app)}#livre"}


def tags_of(app: Sphinx, page: Page) -> str:
    """The tags of a page, for its head."""
    lines = [f'<meta property="{key}" content="{escape(text)}" />' for key, text in social(app, page).items()]
    lines.append('<meta name="twitter:card" content="summary_large_image" />')
    data = json.dumps(structured(app, page), ensure_ascii=False).replace("<", "\\u003c")
    lines.append(f'<script type="application/ld+json">{data}</script>')
    return "".join(f"\n    {line}" for line in lines)


def _feed_links(app: Sphinx, address: Callable[[str, bool], str]) -> str:
    """The feeds; `address` gives the address of a file of the site from the page."""
    tags = ""
    for name in app.feeds:
        title, uri = escape(f"{book(app)} : {feeds.TITLES[name]}"), address(name, True)
        tags += f'\n    <link rel="alternate" type="application/atom+xml" title="{title}" href="{uri}" />'
    return tags


def day(date: datetime, language: str) -> str:
    """The date as a sentence writes it: « 24 novembre 2026 », « 1er décembre 2026 »."""
    text = format_date(date, "long", locale=language)
    return text.replace("1 ", "1er ", 1) if is_french(language) and text.startswith("1 ") else text


# --- Sphinx's events ---------------------------------------------------------------------------


def on_config(app: Sphinx, config: Config) -> None:
    """The page of unknown addresses is shown at any depth: its links start from the site's path."""
    if "notfound_urls_prefix" in config:
        path = urlsplit(config.html_baseurl or "").path.strip("/")
        config.notfound_urls_prefix = f"/{path}/" if path else "/"


def on_read(app: Sphinx, doctree: nodes.document) -> None:
    """A page that gives no description is described by its first paragraph."""
    metadata = app.env.metadata[app.env.docname]
    if not metadata.get("description"):
        paragraphs = (node.astext() for node in doctree.findall(nodes.paragraph))
        text = " ".join(next((text for text in paragraphs if text.strip()), "").split())
        metadata["description"] = shorten(text)


def shorten(text: str) -> str:
    """The text, cut between two words where it is too long for a description."""
    if len(text) <= DESCRIPTION_LENGTH:
        return text
    return text[:DESCRIPTION_LENGTH].rpartition(" ")[0].rstrip(" ,;:\u00a0\u202f") + "…"


def on_updated(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Ask for the feeds, and Git for dates; pages whose dates changed, by a commit, are written again."""
    app.feeds = feeds.names(network.read(Path(env.srcdir)))
    known = getattr(env, "page_dates", {})
    found = history.dates(Path(env.srcdir))
    env.page_dates = {name: _dates(env, name, found) for name in env.found_docs}
    return [name for name, dates in env.page_dates.items() if known.get(name) != dates]


def _dates(env: BuildEnvironment, docname: str, found: dict) -> tuple[datetime | None, datetime | None]:
    """First commit of the page's file, last commit of it and of the files that it includes."""
    own = found.get(Path(env.doc2path(docname)).relative_to(env.srcdir).as_posix())
    if own is None:
        return None, None
    included = [
        Path(os.path.relpath(Path(env.srcdir, file), env.srcdir)) for file in env.dependencies[docname]
    ]
    files = [found[path.as_posix()] for path in included if path.as_posix() in found]
    return own.first, max(file.last for file in (own, *files))


def on_page(app: Sphinx, pagename, templatename, context, doctree) -> None:
    listed = pagename in app.env.found_docs
    tags = ""
    if not listed:
        tags += '\n    <meta name="robots" content="noindex" />'
    elif last := app.env.page_dates.get(pagename, (None, None))[1]:
        context["last_change"] = day(last, app.config.language)
        context["last_change_iso"] = last.date().isoformat()
    if base(app):
        tags += tags_of(app, page_of(app, pagename)) if listed else ""
        tags += _feed_links(app, context["pathto"])
    if pagename == getattr(app.config, "notfound_pagename", None):
        context["pageurl"] = None
        context["content_root"] = app.config.notfound_urls_prefix
    context["metatags"] = context.get("metatags", "") + tags


def on_finished(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html" and base(app):
        pages = [page_of(app, name) for name in sorted(app.env.found_docs)]
        draw_cards(app, pages)
        describe_entry(app)


def draw_cards(app: Sphinx, pages: list[Page]) -> None:
    """Draw the cards that are missing and remove those of words that are gone."""
    folder = Path(app.outdir)
    for page in pages:
        if not (folder / page.card).is_file():
            cards.draw(folder / page.card, book(app), page.title, page.description)
    wanted = {folder / page.card for page in pages}
    for stale in set((folder / CARDS).glob("*")) - wanted:
        stale.unlink()


def describe_entry(app: Sphinx) -> None:
    """The site's address, which people share, says what the welcome page says."""
    entry, welcome = Path(app.outdir, "index.html"), app.config.master_doc
    if welcome == "index" or not entry.is_file():
        return
    page = page_of(app, welcome)
    canonical = f'\n    <link rel="canonical" href="{escape(page.address)}" />'
    description = f'\n    <meta name="description" content="{escape(page.description)}" />'
    head, end, body = entry.read_text(encoding="utf-8").partition("\n  </head>")
    head += description + tags_of(app, page) + _feed_links(app, lambda name, _: name) + canonical
    entry.write_text(head + end + body, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("config-inited", on_config, priority=400)
    app.connect("doctree-read", on_read)
    app.connect("env-updated", on_updated)
    app.connect("html-page-context", on_page, priority=610)
    app.connect("build-finished", on_finished, priority=960)  # after the entry is written
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
