"""The content policy: one definition, in every page and in the host's file, and never violated."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from ssphub_book.sphinx import security
from tests.serving import drawn_pages, pages, read_headers, serve

DECLARED = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)" />')
LOADS = re.compile(r"<(link|script|style|img|body)\b")
LISTEN = """
globalThis.refused = [];
addEventListener('securitypolicyviolation', event =>
  refused.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""


@pytest.fixture(scope="module")
def address(site) -> Iterator[str]:
    with serve(site) as address:
        yield address


@pytest.fixture
def page(browser) -> Iterator:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="fr-FR")
    context.add_init_script(LISTEN)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.errors = []
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    context.close()


def refused(page) -> list[str]:
    """What the browser refused, and what it wrote as an error."""
    found, page.errors = [*page.evaluate("refused"), *page.errors], []
    return found


def test_the_policy_is_strict():
    for sources in security.POLICY.values():
        assert not re.search(r"unsafe-inline|'unsafe-eval'|\*|https?:|data:|blob:", sources)
    assert security.POLICY["default-src"] == "'self'"
    assert "frame-ancestors" in security.headers()["Content-Security-Policy"]
    assert "frame-ancestors" not in security.meta()


def test_every_page_declares_it_before_what_it_loads(site):
    for name in ("index.html", *pages(site)):
        html = (site / name).read_text(encoding="utf-8")
        declared = DECLARED.findall(html)
        assert declared == [security.policy(security.POLICY)], name
        assert DECLARED.search(html).start() < LOADS.search(html).start(), name


def test_the_host_file_holds_the_same_policy(site):
    headers = read_headers(site)
    assert headers == security.headers()
    assert headers["Content-Security-Policy"].startswith(security.policy(security.POLICY))
    assert "GitHub Pages" in (site / "_headers").read_text(encoding="utf-8")


def use(page) -> None:
    """What a reader does: theme, folded parts, tabs, the search until its results."""
    page.click(".theme-bouton")
    page.locator("article details").evaluate_all("all => all.forEach(d => d.open = true)")
    page.locator(".sd-tab-set > label").evaluate_all("all => all.forEach(label => label.click())")
    page.keyboard.press("Control+k")
    page.keyboard.type("données")
    page.locator(".recherche-resultats a").first.wait_for()
    page.keyboard.press("Escape")


@pytest.mark.parametrize("headers", [True, False], ids=["with the host's headers", "as on GitHub Pages"])
def test_no_page_violates_it(page, site, site_url, address, headers):
    found = []
    for name in drawn_pages(site):
        page.goto(f"{address if headers else site_url}/{name}")
        page.wait_for_load_state("load")
        page.locator(".theme-bouton").wait_for()  # the entry has gone to the welcome page
        use(page)
        found += [f"{name}: {line}" for line in refused(page)]
    page.goto(f"{address if headers else site_url}/search.html?q=donn%C3%A9es")
    page.locator("#search-results li a").first.wait_for()
    found += [f"search page: {line}" for line in refused(page)]
    assert not found, "\n".join(found)


def test_a_page_from_a_file_runs_under_it(page, site):
    page.goto((site / "book/index.html").as_uri())
    page.click(".theme-bouton")
    assert page.evaluate("document.documentElement.dataset.mode") in ("light", "dark")
    assert refused(page) == []


BAD = {
    "inline script": ("<script>globalThis.ran = 1</script>", "script-src-elem inline"),
    "handler": ("<img src='x' onerror='globalThis.ran = 1'>", "script-src-attr inline"),
    "style": ("<p style='color: red'>x</p>", "style-src-attr inline"),
    "other site": ("<script src='https://example.org/x.js'></script>", "script-src-elem https://example.org"),
}


@pytest.mark.parametrize(("html", "violation"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("headers", [True, False], ids=["header", "meta"])
def test_a_bad_page_is_refused(page, site_url, address, headers, html, violation):
    url = f"{address if headers else site_url}/book/index.html"

    def spoil(route) -> None:
        response = route.fetch()
        body = response.text() if not headers else DECLARED.sub("", response.text())
        route.fulfill(response=response, body=body.replace("</article>", html + "</article>"))

    page.route(url, spoil)
    page.goto(url)
    page.wait_for_timeout(100)
    assert any(line.startswith(violation) for line in refused(page))
    assert not page.evaluate("globalThis.ran")
