"""The network's data in the pages: `{catalogue}`, `{lettres}`, `{agenda}`, `{partenaires}` and `{themes}` in
those of the network; `{entrees}` and the role `{entree}` in the chapters.

They are lists of links that read without any script; theme/static/cahiers-catalogue.js filters them and
moves an event that has passed since the page was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util.docutils import SphinxDirective, SphinxRole

from ssphub_book import chapters, feeds, network
from ssphub_book.network import calendar, french
from ssphub_book.network.entries import THEMES, Entry, Network
from ssphub_book.plain import EXPLICIT
from ssphub_book.sphinx.freshness import book, shows

CODE = "Code : "  # how a link to code is called in the data files
UNKNOWN_STATE = "état non précisé"
GROUPS: dict[
    str, tuple[Callable[[Entry], str], dict[str, str]]
] = {  # of what, in which order, under which title
    "projets": (
        lambda entry: entry.said.get("etat", UNKNOWN_STATE),
        {
            "en production": "En production",
            "expérimentation": "Expérimentations",
            "étude": "Études",
            "expérimentation arrêtée": "Expérimentations arrêtées",
            UNKNOWN_STATE: "État non précisé",
        },
    ),
    "ressources": (
        lambda entry: entry.type,
        {
            "formation": "Formations",
            "documentation": "Documentation",
            "bonnes pratiques": "Bonnes pratiques",
            "document de travail": "Documents de travail",
            "billet": "Billets",
        },
    ),
}


class notice(nodes.list_item):
    """An entry in a list; `data` holds the attributes that the script filters by."""


class notice_title(nodes.TextElement):
    """The title of an entry: a heading that the contents of the page leave out."""


class filters(nodes.General, nodes.Element):
    """The form that filters the lists of its page: `choices` maps each attribute to (label, values)."""


class _Network(SphinxDirective):
    """What every directive of this module needs: the entries, once they are sound."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        root = Path(self.env.srcdir)
        for path in network.files(root):
            self.env.note_dependency(str(path))
        self.network: Network = network.read(root)
        for problem in self.network.problems:
            raise self.error(f"{problem.file}:{problem.line}  {problem.message}")
        self.day = network.today()
        return self.made()

    # --- pieces -------------------------------------------------------------------------------

    def section(self, title: str, *content: nodes.Node) -> nodes.section:
        anchor = nodes.make_id(title) or f"annee-{title}"  # an anchor begins with a letter
        section = nodes.section(ids=[anchor], names=[nodes.fully_normalize_name(title)])
        section += [nodes.title("", title), *content]
        return section

    def listed(self, entries: Iterable[Entry], *classes: str) -> nodes.bullet_list:
        return nodes.bullet_list("", *map(self.notice, entries), classes=["notices", *classes])

    def notice(self, entry: Entry) -> notice:
        """One entry: its title leads to it; what it is, what it says, its links, its chapters."""
        item = notice(ids=[entry.id], data=self.attributes(entry))
        heading = notice_title("", "", _reference(entry.title, entry.address, entry.language))
        about = " · ".join([*french.about(entry), ", ".join(THEMES[theme] for theme in entry.themes)])
        item += [heading, nodes.paragraph("", about[0].upper() + about[1:], classes=["notice-genre"])]
        item += nodes.paragraph("", entry.summary)
        if entry.doubt:
            item += nodes.paragraph("", f"À confirmer : {entry.doubt}.", classes=["notice-doute"])
        item += self.links(entry)
        words = f"Entrée relue le {french.day(entry.verified)} : à vérifier de nouveau."
        stale = [] if entry.is_stale(self.day) else ["a-jour"]
        item += nodes.paragraph("", words, classes=["notice-relecture", *stale])
        return item

    def attributes(self, entry: Entry) -> dict[str, str]:
        found = {
            "data-theme": " ".join(entry.themes),
            "data-type": GROUPS[entry.kind][0](entry) if entry.kind in GROUPS else entry.type,
            "data-niveau": entry.said.get("niveau", ""),
            "data-langue": entry.language,
            "data-mots": " ".join(entry.said.get("mots_cles", [])),
            "data-genre": entry.type,
            "data-verifie": entry.verified.isoformat(),
        }
        if entry.kind == "evenements":
            found["data-fin"] = entry.end.isoformat()[:10]
        return {name: value for name, value in found.items() if value}

    def links(self, entry: Entry) -> list[nodes.paragraph]:
        """The links of the entry, its file for a calendar, the chapters that teach it."""
        others = [_link(text, to) for text, to in entry.links.items()]
        if entry.kind == "evenements":
            link = nodes.reference("", "Ajouter à mon agenda", internal=True)
            link["refuri"] = self.relative(calendar.file_of(entry))
            title = nodes.inline("", entry.title, classes=_language(entry.language))
            link += nodes.inline("", "", nodes.Text(" : "), title, classes=["masque"])
            others.append(link)
        taught = [self.chapter(name) for name in entry.chapters]
        found = []
        if others:
            found.append(nodes.paragraph("", "", *_joined(others), classes=["notice-liens"]))
        if taught:
            found.append(nodes.paragraph("", "Dans ce livre : ", *_joined(taught), classes=["notice-liens"]))
        return found

    def subscribe(self, *ways: tuple[str, str]) -> nodes.paragraph:
        """Where to follow this list: (text, file of the site)."""
        links = [nodes.reference("", text, refuri=self.relative(file), internal=True) for text, file in ways]
        return nodes.paragraph("", "Pour suivre cette page : ", *_joined(links), nodes.Text("."))

    def chapter(self, name: str) -> nodes.reference:
        """A link to the chapter `theme/name`."""
        title = shows(self.env, _title, name)
        uri = self.env.app.builder.get_relative_uri(self.env.docname, f"{chapters.NOTEBOOKS}/{name}")
        return nodes.reference("", title, refuri=uri, internal=True)

    def relative(self, file: str) -> str:
        """The address of a file of the site, from this page."""
        return "../" * self.env.docname.count("/") + file


class Catalogue(_Network):
    """`{catalogue} projets` or `ressources`: the entries of a file, in groups, with their filters."""

    required_arguments, optional_arguments = 1, 0

    def made(self) -> list[nodes.Node]:
        kind = self.arguments[0]
        if kind not in GROUPS:
            raise self.error(f"« {kind} » n'est pas un catalogue : {', '.join(GROUPS)}.")
        entries = sorted(self.network.of(kind), key=lambda entry: entry.title.lower())
        entries.sort(key=lambda entry: entry.year, reverse=True)
        key, titles = GROUPS[kind]
        found: list[nodes.Node] = [filters(choices=self.choices(entries))]
        for value, title in titles.items():
            group = [entry for entry in entries if key(entry) == value]
            if group:
                found.append(self.section(title, self.listed(group, "catalogue")))
        return found

    def choices(self, entries: list[Entry]) -> dict[str, tuple[str, dict[str, str]]]:
        """What can be chosen: only what the entries have, where they do not all have the same."""
        titles = GROUPS[self.arguments[0]][1]
        labels = {
            "theme": (_("Theme"), THEMES),
            "type": (_("State") if self.arguments[0] == "projets" else _("Type"), titles),
            "niveau": (_("Level"), {level: level for level in ("débutant", "intermédiaire", "avancé")}),
            "langue": (_("Language"), {"fr": _("French"), "en": _("English")}),
        }
        had = {name: set() for name in labels}
        for entry in entries:
            attributes = self.attributes(entry)
            for name in had:
                value = attributes.get(f"data-{name}", "")
                had[name] |= set(value.split() if name == "theme" else filter(None, [value]))
        return {
            name: (label, {value: text for value, text in values.items() if value in had[name]})
            for name, (label, values) in labels.items()
            if len(had[name]) > 1
        }


class Letters(_Network):
    """Every letter, by year, the last first."""

    def made(self) -> list[nodes.Node]:
        entries = sorted(self.network.of("lettres"), key=lambda entry: entry.start, reverse=True)
        years = [self.section(year, self.listed(group)) for year, group in groupby(entries, lambda e: e.year)]
        return [self.subscribe(("Flux Atom des lettres", feeds.LETTERS)), *years]


class Agenda(_Network):
    """The events to come, soonest first, and those that are over, last first."""

    def made(self) -> list[nodes.Node]:
        entries = sorted(self.network.of("evenements"), key=lambda entry: entry.start.isoformat())
        past = [entry for entry in entries if network.is_past(entry, self.day)]
        coming = [entry for entry in entries if entry not in past]
        words = "Aucun événement à venir n'est inscrit dans l'agenda."
        none = nodes.paragraph("", words, classes=["aucun-evenement", *(["masquee"] if coming else [])])
        ways = (
            ("Agenda à ajouter à votre calendrier (iCalendar)", calendar.AGENDA),
            ("Flux Atom", feeds.EVENTS),
        )
        return [
            self.subscribe(*ways),
            self.section("À venir", none, *([self.listed(coming, "a-venir")] if coming else [])),
            self.section("Passés", self.listed(reversed(past), "passes")),
        ]


class Partners(_Network):
    """The communities that the network talks with."""

    def made(self) -> list[nodes.Node]:
        entries = sorted(self.network.of("partenaires"), key=lambda entry: entry.title.lower())
        items = []
        for entry in entries:
            link = _reference(entry.title, entry.address, entry.language)
            line = nodes.paragraph("", "", link, nodes.Text(f". {entry.summary}"))
            items.append(nodes.list_item("", line, ids=[entry.id]))
        return [nodes.bullet_list("", *items)]


class Themes(_Network):
    """The five themes: what the book teaches of each, and what the catalogue holds."""

    def made(self) -> list[nodes.Node]:
        return [self.theme(theme, title) for theme, title in THEMES.items() if theme != "reseau"]

    def theme(self, theme: str, title: str) -> nodes.section:
        taught = [chapter for chapter in book(self.env).values() if chapter.name.startswith(f"{theme}/")]
        items = []
        for chapter in taught:
            link = self.chapter(chapter.name)
            line = nodes.paragraph("", "", link, nodes.Text(f" : {chapter.front.get('question', '')}"))
            items.append(nodes.list_item("", line))
        counts = [
            self.count(theme, kind, one, many)
            for kind, one, many in (
                ("projets", "projet", "projets"),
                ("ressources", "ressource", "ressources"),
            )
        ]
        none = nodes.paragraph("", "Le livre n'a pas encore de chapitre sur ce thème.")
        lists = [nodes.bullet_list("", *items)] if items else [none]
        catalogue = nodes.paragraph(
            "", "Au catalogue : ", *_joined([*filter(None, counts)], " et "), nodes.Text(".")
        )
        return self.section(title, *lists, *([catalogue] if any(counts) else []))

    def count(self, theme: str, kind: str, one: str, many: str) -> nodes.reference | None:
        """A link to the entries of a theme, filtered in their page."""
        number = sum(theme in entry.themes for entry in self.network.of(kind))
        page = self.env.app.builder.get_relative_uri(self.env.docname, f"book/reseau/{kind}")
        text = f"{number} {one if number == 1 else many}"
        return nodes.reference("", text, refuri=f"{page}?theme={theme}", internal=True) if number else None


class Projects(_Network):
    """`{bilan-des-projets}`: how many projects are in which state."""

    def made(self) -> list[nodes.Node]:
        key, titles = GROUPS["projets"]
        projects = self.network.of("projets")
        page = self.env.app.builder.get_relative_uri(self.env.docname, "book/reseau/projets")
        items = []
        for value, title in titles.items():
            if number := sum(key(entry) == value for entry in projects):
                link = nodes.reference("", title, refuri=f"{page}?type={quote(value)}", internal=True)
                line = nodes.paragraph("", "", link, nodes.Text(f" : {number} sur {len(projects)}"))
                items.append(nodes.list_item("", line))
        return [nodes.bullet_list("", *items)]


class ChapterEntries(_Network):
    """`{entrees} projets` or `ressources`: those that name this chapter."""

    required_arguments, optional_arguments = 1, 0

    def made(self) -> list[nodes.Node]:
        kinds = network.LISTS.get(self.arguments[0])
        if kinds is None:
            raise self.error(f"« {self.arguments[0]} » n'est pas une liste : {', '.join(network.LISTS)}.")
        name = self.env.docname.removeprefix(f"{chapters.NOTEBOOKS}/")
        lines = french.in_chapter(self.network.for_chapter(name, kinds))
        if not lines:
            raise self.error(f"aucune entrée de {network.FOLDER} ne cite ce chapitre sous « chapitres ».")
        return self.parse_text_to_nodes("\n".join(lines))


class EntryLink(SphinxRole):
    """`` {entree}`text <name>` ``: a link to an entry, by its name in the data files."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        root = Path(self.env.srcdir)
        for path in network.files(root):
            self.env.note_dependency(str(path))
        text, name = _split(self.text)
        entry = network.read(root).by_key.get(name)
        if entry is None:
            message = self.inliner.reporter.error(f"aucune entrée ne s'appelle « {name} ».", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        return [_reference(text or entry.title, entry.address, "fr" if text else entry.language)], []


def _split(text: str) -> tuple[str, str]:
    """(text, name) of « text <name> », or of a name alone."""
    explicit = EXPLICIT.fullmatch(text)
    return (explicit["text"], explicit["target"]) if explicit else ("", text)


def _title(book: dict[str, chapters.Chapter], name: str) -> str:
    return book[name].title if name in book else name


def _reference(text: str, address: str, language: str) -> nodes.reference:
    return nodes.reference("", text, refuri=address, classes=_language(language))


def _link(text: str, address: str) -> nodes.reference:
    """A link of an entry; what follows « Code : » is a name of the code."""
    kind, _sep, name = text.partition(CODE)
    if kind or not name:
        return nodes.reference("", text, refuri=address)
    return nodes.reference("", "", nodes.Text(CODE), nodes.literal("", name), refuri=address)


def _language(language: str) -> list[str]:
    """The class that docutils writes as a language; none for that of the book."""
    return [] if language == "fr" else [f"language-{language}"]


def _joined(links: list[nodes.reference], last: str = ", ") -> list[nodes.Node]:
    """The links in one line; a comma between two, `last` before the last."""
    found: list[nodes.Node] = []
    for place, link in enumerate(links):
        if place:
            found.append(nodes.Text(last if place == len(links) - 1 else ", "))
        found.append(link)
    return found


def visit_notice(self, node: notice) -> None:
    self.body.append(self.starttag(node, "li", "", CLASS="notice", **node["data"]))


def depart_notice(self, node: notice) -> None:
    self.body.append("</li>\n")


def visit_notice_title(self, node: notice_title) -> None:
    self.body.append("<h3>")


def depart_notice_title(self, node: notice_title) -> None:
    self.body.append("</h3>\n")


def visit_filters(self, node: filters) -> None:
    self.body.append(_form(node["choices"]))
    raise nodes.SkipNode


def _form(choices: dict[str, tuple[str, dict[str, str]]]) -> str:
    fields = [
        f'<div><label for="filtre-q">{_("Words")}</label>'
        '<input type="search" id="filtre-q" name="q" autocomplete="off" spellcheck="false" /></div>'
    ]
    for name, (label, values) in choices.items():
        options = "".join(
            f'<option value="{escape(v)}">{escape(text)}</option>' for v, text in values.items()
        )
        fields.append(
            f'<div><label for="filtre-{name}">{label}</label><select id="filtre-{name}" name="{name}">'
            f'<option value="">{_("All")}</option>{options}</select></div>'
        )
    words = {
        "data-label-all": _("{} entries."),
        "data-label-some": _("{} entries out of {}."),
        "data-label-none": _("No entry answers these filters."),
    }
    labels = "".join(f' {key}="{escape(text, quote=True)}"' for key, text in words.items())
    return (
        f'<form class="filtres avec-script" role="search" aria-label="{_("Filter the entries")}"{labels}>\n'
        + "\n".join(fields)
        + f'\n<button type="reset" class="bouton">{_("Clear the filters")}</button>\n'
        '<p class="filtres-compte" role="status"></p>\n</form>\n'
    )


def setup(app: Sphinx) -> dict:
    app.add_node(notice, html=(visit_notice, depart_notice))
    app.add_node(notice_title, html=(visit_notice_title, depart_notice_title))
    app.add_node(filters, html=(visit_filters, None))
    for name, directive in (
        ("catalogue", Catalogue),
        ("lettres", Letters),
        ("agenda", Agenda),
        ("partenaires", Partners),
        ("themes", Themes),
        ("bilan-des-projets", Projects),
        ("entrees", ChapterEntries),
    ):
        app.add_directive(name, directive)
    app.add_role("entree", EntryLink())
    app.add_js_file("cahiers-catalogue.js", loading_method="defer", priority=904)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
