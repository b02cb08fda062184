"""Pages in a real browser: axe without a rule less, the keyboard, targets, paper, figures.

A run takes the pages last changed and a draw of the others; `make test-all` takes them all.

These checks find a part of what hinders a reader, never all of it: passing them is no proof that a
standard is met.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest

from tests.conftest import sample
from tests.serving import drawn_pages, pages

AXE = (Path(axe_playwright_python.__path__[0]) / "axe.min.js").read_text(encoding="utf-8")
CHECKS = Path(__file__).with_name("browser_checks.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
MODES = {"light": (1280, "light"), "dark": (1280, "dark"), "narrow": (320, "light")}
MAX_STOPS_BEFORE_TEXT = 12
# Every rule of these tags runs, those that axe leaves out by default too.
RUN_AXE = """([include, tags]) => {
  const rules = Object.fromEntries(axe.getRules(tags).map(rule => [rule.ruleId, {enabled: true}]));
  const options = {runOnly: {type: 'tag', values: tags}, rules, resultTypes: ['violations']};
  return axe.run(include, options);
}"""

AFTER_LAYOUT = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(scope="module")
def page(browser) -> Iterator:
    """One browser page for all checks of this file, with axe and our checks in it."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, locale="fr-FR", reduced_motion="reduce"
    )
    context.add_init_script(AXE)
    context.add_init_script(CHECKS)
    page = context.new_page()
    page.set_default_timeout(10_000)
    yield page
    context.close()


def visit(page, url: str, mode: str = "light") -> None:
    """Open a page. The entry sends to the welcome page at once: it is read without that."""

    def stay(route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=re.sub(r'<meta http-equiv="refresh".*?>', "", response.text()))

    if url.endswith("/index.html") and url.count("/") == 3:
        page.route(url, stay, times=1)
    page.goto(url)
    set_mode(page, mode)
    draw_figures(page)


def draw_figures(page) -> None:
    """Interactive figures draw themselves as they near the screen: bring each there, and wait for it."""
    boxes = page.locator("[data-label-live]")
    for box in boxes.all():
        box.scroll_into_view_if_needed()
        box.locator(".figure-trace svg").wait_for(state="attached")
    if boxes.count():
        page.evaluate("scrollTo(0, 0)")


def set_mode(page, mode: str) -> None:
    width, scheme = MODES[mode]
    page.emulate_media(color_scheme=scheme, media="screen")
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate(AFTER_LAYOUT)


def show(page, html: str) -> None:
    """A bad page, to see the checks fire."""
    page.goto("about:blank")
    page.set_content(html)
    set_mode(page, "light")


def violations(page, include: str = "html") -> list[str]:
    """What axe finds in a part of the page, one line for each node."""
    found = page.evaluate(RUN_AXE, [include, TAGS])["violations"]
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


def audit(page) -> list[str]:
    """The page as it stands, then with each other tab of its sets of tabs."""
    found = violations(page)
    for rank in range(1, page.evaluate("checks.mostTabs()")):
        page.evaluate("rank => checks.chooseTabs(rank)", rank)
        found += violations(page, ".sd-tab-set")
    return found


# --- axe ---------------------------------------------------------------------------------------


def test_axe_finds_nothing(page, site, site_url):
    found = []
    for name in drawn_pages(site):
        visit(page, f"{site_url}/{name}")
        page.evaluate("checks.unfold(); checks.oneTokenOfEachKind()")
        for mode in MODES:
            set_mode(page, mode)
            found += [f"{name}, {mode}: {line}" for line in audit(page)]
    assert not found, "\n".join(found)


def test_axe_finds_nothing_in_the_search_nor_in_the_open_menu(page, site_url):
    found = []
    for name in ("book/index.html", "search.html?q=donn%C3%A9es"):
        visit(page, f"{site_url}/{name}")
        if name.startswith("search"):
            page.locator("#search-results li").first.wait_for()
        page.keyboard.press("Control+k")
        page.keyboard.type("données")
        page.locator(".recherche-resultats li").first.wait_for()
        for mode in MODES:
            set_mode(page, mode)
            found += [f"{name}, search, {mode}: {line}" for line in violations(page)]
        page.keyboard.press("Escape")
        page.click(".menu-bouton")
        page.evaluate("checks.unfold()")
        found += [f"{name}, menu: {line}" for line in violations(page)]
    assert not found, "\n".join(found)


def answer_two_questions(page) -> None:
    """The first one right, the second one wrong, and an exercise ticked."""
    for number in (0, 1):
        group = page.locator("section.question fieldset").nth(number)
        right = f"input[value={group.get_attribute('data-answer')}]"
        group.locator(right if number == 0 else f"input:not({right})").first.check()
        group.locator("button").click()
    page.locator(".exercice-fait input").first.check()


def test_nothing_is_found_in_an_answered_quiz(page, site, site_url):
    chapter = next(name for name in pages(site) if name.startswith("notebooks/"))
    visit(page, f"{site_url}/{chapter}")
    answer_two_questions(page)
    found = []
    for name in (chapter, "book/decouvrir/parcours.html"):
        if name != chapter:
            visit(page, f"{site_url}/{name}")
            page.locator(".avancee").first.wait_for()
        for mode in MODES:
            set_mode(page, mode)
            found += [f"{name}, {mode}: {line}" for line in violations(page)]
            found += [f"{name}, {mode}: {line}" for line in page.evaluate("checks.smallTargets()")]
    page.evaluate("localStorage.clear()")
    assert not found, "\n".join(found)


def test_axe_fires(page):
    show(
        page,
        "<html><main><h1>x</h1><h4>y</h4><p style='color: #999; background: #fff'>pale</p>"
        "<img src='x.png'></main></html>",
    )
    rules = {line.split(":")[0] for line in violations(page)}
    assert {"html-has-lang", "heading-order", "color-contrast", "image-alt"} <= rules


def test_axe_reads_each_tab(page):
    tab = "<input type='radio' id='{0}' name='t'><label for='{0}'>{0}</label><p {1}>{2}</p>"
    show(
        page,
        "<style>.sd-tab-set > p {display: none} input:checked + label + p {display: block}</style>"
        "<div class='sd-tab-set'>"
        + tab.format("a", "", "un")
        + tab.format("b", "", "<img src='x'>")
        + "</div>",
    )
    assert not any(line.startswith("image-alt") for line in violations(page))
    assert any(line.startswith("image-alt") for line in audit(page))


def test_axe_reads_each_kind_of_token(page):
    show(
        page,
        "<style>pre {background: #fff} .dark .k {color: #ccc}</style>"
        "<pre><span class='n'>un</span><span class='n'>deux</span><span class='k'>trois</span></pre>",
    )
    page.evaluate("checks.oneTokenOfEachKind()")
    assert page.locator("pre span").all_inner_texts() == ["un", "trois"]
    assert page.locator("pre").inner_text() == "undeuxtrois"
    assert not any(line.startswith("color-contrast:") for line in violations(page))
    page.evaluate("document.body.className = 'dark'")
    assert any(line.startswith("color-contrast:") for line in violations(page))


# --- the keyboard --------------------------------------------------------------------------------


def walk(page) -> tuple[list[dict], list[str]]:
    """Press Tab from the top of the page until the focus leaves it: the stops, and what is wrong."""
    stops = []
    for _ in range(page.evaluate("checks.stops()") + 1):
        page.keyboard.press("Tab")
        stop = page.evaluate("checks.stop()")
        if stop is None:
            break
        stops.append(stop)
    else:
        return stops, ["Tab never leaves the page", *page.evaluate("checks.missed()")]
    return stops, [line for stop in stops for line in stop["found"]] + page.evaluate("checks.missed()")


def test_the_keyboard_goes_through_every_page(page, site, site_url):
    found = []
    for name in drawn_pages(site):
        visit(page, f"{site_url}/{name}")
        stops, wrong = walk(page)
        found += [f"{name}: {line}" for line in wrong]
        if name == "index.html":
            continue  # the entry: one link
        before = next((i for i, stop in enumerate(stops) if stop["inText"]), len(stops))
        if "evitement" not in stops[0]["name"]:
            found.append(f"{name}: the first stop is not the skip link")
        if before > MAX_STOPS_BEFORE_TEXT:
            found.append(f"{name}: {before} stops before the text")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("mode", ["dark", "narrow"])
def test_the_focus_shows_in_the_other_modes(page, site, site_url, mode):
    found = []
    for name in sample(pages(site), 15):  # the ring is that of one style sheet
        visit(page, f"{site_url}/{name}", mode)
        page.evaluate("checks.unfold()")
        page.keyboard.press("Tab")  # from now on the focus is one of the keyboard
        found += [f"{name}: {line}" for line in page.evaluate("checks.withoutRing()")]
    assert not found, "\n".join(found)


def test_checks_of_the_focus_fire(page):
    show(
        page,
        "<style>.no:focus {outline: none} .pale:focus {outline: 3px solid #eee} "
        ".off {position: absolute; left: -999px}</style><a class='no' href='#'>un</a> "
        "<a class='pale' href='#'>deux</a> <a class='off' href='#'>trois</a>",
    )
    stops, wrong = walk(page)
    assert len(stops) == 3
    for line in ('not visible: <a class="no"', 'not visible: <a class="pale"', 'sight: <a class="off"'):
        assert line in "\n".join(wrong)
    assert len(page.evaluate("checks.withoutRing()")) == 3


def test_the_check_of_traps_fires(page):
    show(page, "<a href='#'>un</a> <a id='trap' href='#'>deux</a> <a href='#'>trois</a>")
    page.evaluate(
        "void document.getElementById('trap').addEventListener('keydown', event => event.preventDefault())"
    )
    _, wrong = walk(page)
    assert wrong[0] == "Tab never leaves the page"
    assert "not reached" in wrong[1]


def test_skip_links_lead_to_the_text_and_to_the_chapters(page, site_url):
    for presses, target in ((1, "#main-content"), (2, "#menu")):
        visit(page, f"{site_url}/book/index.html")
        for _ in range(presses):
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("target => document.activeElement.matches(target)", target)


def test_the_dialog_holds_the_focus_and_gives_it_back(page, site_url):
    visit(page, f"{site_url}/book/index.html")
    page.locator(".search-button__button").focus()
    for close in ("Escape", ".fermer"):
        page.keyboard.press("Enter")
        page.locator("dialog input").wait_for()
        for _ in range(6):
            page.keyboard.press("Tab")
            assert page.evaluate(
                "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
            )
        page.click(close) if close.startswith(".") else page.keyboard.press(close)
        assert not page.locator("dialog").is_visible()
        assert page.evaluate("document.activeElement.matches('.search-button__button')")


def test_the_menu_of_a_small_screen_takes_the_focus_and_gives_it_back(page, site_url):
    visit(page, f"{site_url}/book/index.html", "narrow")
    page.locator(".menu-bouton").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.matches('#menu')")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('#menu summary')")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('.menu-bouton')")


# --- blocks that scroll, targets ---------------------------------------------------------------


@pytest.mark.parametrize("mode", ["light", "narrow"])
def test_what_scrolls_is_reached_and_targets_are_large(page, site, site_url, mode):
    found = []
    for name in drawn_pages(site):
        visit(page, f"{site_url}/{name}", mode)
        page.evaluate("checks.unfold()")
        page.wait_for_timeout(50)  # the script follows what opens
        for rank in range(max(1, page.evaluate("checks.mostTabs()"))):
            page.evaluate("rank => checks.chooseTabs(rank)", rank)
            found += [f"{name}: {line}" for line in page.evaluate("checks.outOfReach()")]
        found += [f"{name}: {line}" for line in page.evaluate("checks.smallTargets()")]
    assert not found, "\n".join(found)


def test_checks_of_scrolling_and_of_targets_fire(page):
    show(
        page,
        "<pre style='width: 50px; overflow: auto'>un texte bien trop long</pre>"
        "<button style='width: 20px; height: 30px; padding: 0'>x</button> <p>Un <a href='#'>lien</a>.</p>",
    )
    assert len(page.evaluate("checks.outOfReach()")) == 1
    assert len(page.evaluate("checks.smallTargets()")) == 1


# --- figures and paper ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_figures_stand_on_white_without_a_filter(page, site, site_url, mode):
    found, figures = [], 0
    for name in (name for name in pages(site) if "<img" in (site / name).read_text(encoding="utf-8")):
        visit(page, f"{site_url}/{name}", mode)
        figures += page.locator("article img").count()
        found += [f"{name}: {line}" for line in page.evaluate("checks.badFigures()")]
    assert figures
    assert not found, "\n".join(found)


def test_the_check_of_figures_fires(page):
    show(
        page,
        "<article><img style='background: #fff; filter: brightness(.8)'><img style='background: #ccc'>"
        "<img style='background: #fff'></article>",
    )
    assert len(page.evaluate("checks.badFigures()")) == 2


def test_paper_shows_everything(page, site, site_url):
    """From the dark theme, on a sheet as wide as A4 less its margins."""
    found = []
    for name in drawn_pages(site):
        if name == "index.html":
            continue
        visit(page, f"{site_url}/{name}", "dark")
        page.set_viewport_size({"width": 680, "height": 960})
        page.emulate_media(media="print", color_scheme="dark")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        found += [f"{name}: {line}" for line in page.evaluate("checks.badPaper()")]
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        if page.evaluate("document.documentElement.dataset.theme") != "dark":
            found.append(f"{name}: the theme is not given back")
    assert not found, "\n".join(found)


def test_the_check_of_paper_fires(page):
    show(
        page,
        "<button>x</button><article><details><summary>s</summary>t</details>"
        "<pre style='width: 50px; overflow: auto'>un texte bien trop long</pre>"
        "<p style='width: 3000px'>large</p></article>",
    )
    found = "\n".join(page.evaluate("checks.badPaper()"))
    for kind in ("shown", "folded", "cut", "off the sheet", "dark"):
        assert kind in found
