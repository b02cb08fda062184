"""What programs look for at fixed addresses: sitemap.xml, robots.txt, security.txt, llms.txt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as Xml

from ssphub_book.pages import Page
from ssphub_book.settings import Settings

SITEMAP = "sitemap.xml"
LLMS = "llms.txt"
SECURITY = ".well-known/security.txt"
VALID = timedelta(days=365)


def write(site: Path, settings: Settings, pages: list[Page], moment: datetime) -> None:
    """Write these files; `moment` is the date that the validity of security.txt counts from."""
    (site / LLMS).write_text(_llms(settings, pages), encoding="utf-8")
    (site / SITEMAP).write_bytes(_sitemap(pages))
    robots = f"User-agent: *\nAllow: /\n\nSitemap: {settings.address}{SITEMAP}\n"
    (site / "robots.txt").write_text(robots, encoding="utf-8")
    if settings.repository:
        (site / SECURITY).parent.mkdir(exist_ok=True)
        (site / SECURITY).write_text(_security(settings, moment), encoding="utf-8")


def _sitemap(pages: list[Page]) -> bytes:
    root = Xml.Element("urlset", xmlns="http://www.sitemaps.org/schemas/sitemap/0.9")
    for page in pages:
        url = Xml.SubElement(root, "url")
        Xml.SubElement(url, "loc").text = page.address
        if page.modified:
            Xml.SubElement(url, "lastmod").text = page.modified.isoformat()
    Xml.indent(root)
    return Xml.tostring(root, encoding="utf-8", xml_declaration=True)


def _llms(settings: Settings, pages: list[Page]) -> str:
    """The book in one Markdown list (llmstxt.org): its chapters by their question, then its other pages."""
    welcome = next((page for page in pages if page.file == "book/index.html"), None)
    chapters = [page for page in pages if page.file.startswith("notebooks/")]
    network = [page for page in pages if page.file.startswith("book/reseau/")]
    others = [page for page in pages if page not in (welcome, *chapters, *network)]
    text = f"# {settings.title}\n"
    if welcome:
        text += f"\n> {welcome.description}\n"
    if chapters:
        text += (
            "\nChaque chapitre est un notebook exécuté : ses cellules calculent les chiffres du texte. "
            "Remplacez « .html » par « .ipynb » dans son adresse pour obtenir le notebook.\n"
        )
    for title, found in (("Chapitres", chapters), ("Le réseau", network), ("Optional", others)):
        if found:
            lines = "".join(f"- [{page.title}]({page.address}): {page.description}\n" for page in found)
            text += f"\n## {title}\n\n{lines}"
    return text


def _security(settings: Settings, moment: datetime) -> str:
    """RFC 9116."""
    expires = (moment + VALID).astimezone(UTC)
    return (
        f"Contact: {settings.repository}\n"
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}\n"
        "Preferred-Languages: fr, en\n"
        f"Canonical: {settings.address}{SECURITY}\n"
    )
