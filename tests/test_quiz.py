"""Quiz questions in the page, exercises that one ticks, and what the browser remembers of both."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from bs4 import BeautifulSoup

from ssphub_book import chapters, search
from ssphub_book.sphinx import reading
from tests.conftest import ROOT, sphinx_build
from tests.serving import pages

NBSP, THIN = "\u00a0", "\u202f"
BOOK = {chapter.name: chapter for chapter in chapters.find(ROOT)}
FIRST, SECOND, *_ = [
    step["chapitre"]
    for step in yaml.safe_load((ROOT / reading.PATHS).read_text(encoding="utf-8"))["debutant"]["etapes"]
]
PATHS_PAGE = "book/decouvrir/parcours.html"
QUESTIONS, EXERCISES = (len(BOOK[FIRST].numbered(kind)) for kind in ("Question", "Exercice"))

# --- the transform -------------------------------------------------------------------------------

CHAPTER = """\
---
chapitre:
  question: Combien ?
---

# Un chapitre

## Exercices

### Exercice 1 : compter

Comptez.

## Quiz

### Question 1 : que vaut `n` ?

- A. Le *double* : $x^2$
- B. `rien`, ou **un** lien vers [un site](https://example.org)

```{dropdown} Réponse
**B.** Rien. **A** est faux.
```
"""


def build(folder: Path, text: str = CHAPTER) -> tuple[BeautifulSoup, str]:
    """The page of a small book, and the warnings of its build."""
    source = folder / "source"
    source.mkdir(exist_ok=True)
    extensions = ["myst_parser", "sphinx_design", "ssphub_book.sphinx.quiz", "ssphub_book.sphinx.typography"]
    (source / "conf.py").write_text(
        f"extensions = {extensions}\nmyst_enable_extensions = ['dollarmath']\nlanguage = 'fr'\n",
        encoding="utf-8",
    )
    (source / "index.md").write_text(text, encoding="utf-8")
    warnings = io.StringIO()
    sphinx_build(source, folder / "out", warning=warnings)
    html = (folder / "out/index.html").read_text(encoding="utf-8")
    return BeautifulSoup(html, "html.parser"), warnings.getvalue()


def test_a_question_becomes_radio_buttons_named_by_its_heading(tmp_path):
    page, warnings = build(tmp_path)
    assert warnings == ""
    section = page.select_one("section.question")
    group = section.fieldset
    heading = section.h3.find(id=group["aria-labelledby"])
    assert heading.get_text() == f"Question 1{NBSP}: que vaut n{THIN}?"
    assert group["data-answer"] == "B"
    radios = group.select("label > input[type=radio]")
    assert [radio["value"] for radio in radios] == ["A", "B"]
    assert len({radio["name"] for radio in radios}) == 1
    assert not section.find("ul")


def test_choices_keep_their_letters_and_their_markdown(tmp_path):
    first, second = build(tmp_path)[0].select("section.question label")
    assert first.get_text().strip().startswith(f"A. Le double{NBSP}: ")
    assert first.em and first.select_one(".math")
    assert second.get_text().strip() == "B. rien, ou un lien vers un site"
    assert second.code and second.strong and second.a["href"] == "https://example.org"


def test_the_answer_stays_folded_text(tmp_path):
    answer = build(tmp_path)[0].select_one("section.question details:not([open])")
    assert answer.summary.get_text().strip() == "Réponse"
    assert answer.p.get_text() == "B. Rien. A est faux."


def test_an_exercise_is_marked_and_named(tmp_path):
    section = build(tmp_path)[0].select_one("section.exercice")
    assert section.find(id=f"{section['id']}-titre").get_text() == f"Exercice 1{NBSP}: compter"


def test_a_page_that_is_no_chapter_is_left_alone(tmp_path):
    page, warnings = build(tmp_path, CHAPTER.split("---\n", 2)[2])
    assert warnings == ""
    assert not page.select("fieldset, .question, .exercice")
    assert page.select("#quiz li")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("- A. Le", "- Le"),
        ("**B.** Rien. **A** est faux.", "Rien."),
        ("**B.**", "**C.**"),
        ("- A. Le *double* : $x^2$\n", ""),
        ("- B. `rien`", "- B. deux\n\n  paragraphes, `rien`"),
    ],
)
def test_a_question_that_cannot_be_read_is_told_and_left_as_it_is(tmp_path, old, new):
    assert old in CHAPTER
    page, warnings = build(tmp_path, CHAPTER.replace(old, new))
    assert "question de quiz illisible" in warnings
    assert "index.md" in warnings
    assert not page.find("fieldset")
    assert page.select("#quiz li")


# --- the pages -----------------------------------------------------------------------------------


def test_every_question_and_exercise_of_the_book_is_in_its_page(soups):
    for name, chapter in BOOK.items():
        page = soups[f"notebooks/{name}.html"]
        assert len(page.select("section.question > fieldset")) == len(chapter.numbered("Question")) > 0
        assert len(page.select("section.exercice")) == len(chapter.numbered("Exercice")) > 0


def test_lists_of_chapters_say_how_much_there_is_to_do(soups):
    items = soups[PATHS_PAGE].select(f".chapitre-lien:has(a[href$='{FIRST}.html'])")
    counts = {(item["data-questions"], item["data-exercises"]) for item in items}
    assert counts == {(str(QUESTIONS), str(EXERCISES))}


def test_only_pages_that_need_the_script_load_it(site):
    loading = {
        name for name in pages(site) if "cahiers-progres.js" in (site / name).read_text(encoding="utf-8")
    }
    assert loading == {*(f"notebooks/{name}.html" for name in BOOK), "book/index.html", PATHS_PAGE}


def test_the_search_and_the_menu_hold_the_question_and_not_its_answer(soups):
    name = f"notebooks/{FIRST}.html"
    page = soups[name]
    section = page.select_one("section.question")
    (record,) = [r for r in search.records(name, str(page), []) if r.section == section["id"]]
    question = " ".join(part.get_text(" ") for part in section.select("label"))
    assert re.findall(r"\w+", record.body) == re.findall(r"\w+", question)
    links = page.select(f".sommaire a[href='#{section['id']}']")
    heading = section.h3.span.get_text()
    assert [(link.get_text(), link.find(id=True)) for link in links] == [(heading, None)]


# --- in a browser --------------------------------------------------------------------------------


@pytest.fixture
def context(browser) -> Iterator:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="fr-FR")
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context) -> Iterator:
    """A page that writes down its errors."""
    page = context.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    assert page.errors == []


def choose(page, number: int, letter: str) -> None:
    """Choose by the keyboard alone: Tab to the group, arrows to the choice."""
    question = page.locator("section.question").nth(number)
    question.locator("a.headerlink").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    while question.locator("input:checked").get_attribute("value") != letter:
        page.keyboard.press("ArrowDown")


def answer(page, number: int, right: bool = True) -> str:
    """Answer a question by the keyboard; what the page says of it."""
    question = page.locator("section.question").nth(number)
    expected = question.locator("fieldset").get_attribute("data-answer")
    choose(page, number, expected if right else ("A" if expected != "A" else "B"))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    return said(page, number)


def said(page, number: int) -> str:
    return page.locator("section.question").nth(number).get_by_role("status").inner_text()


def opened(page, number: int) -> bool:
    return page.locator("section.question").nth(number).locator("details").evaluate("e => e.open")


def count(page) -> str:
    return page.locator(".progres").get_by_role("status").inner_text()


def sentence(questions: int, exercises: int) -> str:
    word = "question" if questions < 2 else "questions"
    return (
        f"Quiz{NBSP}: {questions} {word} sur {QUESTIONS}{THIN}; exercices{NBSP}: {exercises} sur {EXERCISES}."
    )


def test_a_wrong_then_a_right_answer_from_the_keyboard(page, site_url):
    page.goto(f"{site_url}/notebooks/{FIRST}.html")
    question = page.locator("section.question").first
    heading = question.locator("h3 > span").inner_text()
    assert page.get_by_role("group", name=heading, exact=True).count() == 1
    question.get_by_role("button", name="Vérifier").click()
    assert said(page, 0) == "Choisissez d’abord une réponse."
    assert re.fullmatch(rf"Pas encore{NBSP}: [A-Z] ne convient pas\. .+", answer(page, 0, right=False))
    assert not opened(page, 0)
    assert count(page) == sentence(0, 0)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowDown")
    assert said(page, 0) == "", "another choice is not judged before it is checked"
    assert answer(page, 0) == "C’est juste."
    assert opened(page, 0)
    assert count(page) == sentence(1, 0)
    assert answer(page, 1) == "C’est juste."
    assert count(page) == sentence(2, 0)


def test_what_is_done_lasts_and_can_be_erased(page, site_url):
    page.goto(f"{site_url}/notebooks/{FIRST}.html")
    answer(page, 0)
    box = page.get_by_role("checkbox", name="Exercice fait").first
    box.focus()
    page.keyboard.press("Space")
    page.reload()
    assert said(page, 0) == "C’est juste."
    assert page.locator("section.question input:checked").count() == 1
    assert box.is_checked()
    assert count(page) == sentence(1, 1)
    page.get_by_role("button", name="Recommencer le quiz").press("Enter")
    assert count(page) == sentence(0, 1)
    assert said(page, 0) == ""
    assert page.locator("section.question input").first.evaluate("e => e === document.activeElement")
    answer(page, 0)
    page.get_by_role("button", name="Effacer ma progression dans ce chapitre").click()
    for again in (False, True):
        if again:
            page.reload()
        assert count(page) == sentence(0, 0)
        assert said(page, 0) == ""
        assert page.locator("section :is(.choix, .exercice-fait) input:checked").count() == 0
    assert page.evaluate("localStorage.getItem('progression')") == "{}"


def test_an_exercise_can_be_unticked(page, site_url):
    page.goto(f"{site_url}/notebooks/{FIRST}.html")
    box = page.get_by_role("checkbox", name="Exercice fait").first
    box.check()
    box.uncheck()
    page.reload()
    assert not box.is_checked()
    assert count(page) == sentence(0, 0)


def test_progress_shows_on_the_paths(page, context, site_url):
    path = page.locator("#debutant")
    page.goto(f"{site_url}/{PATHS_PAGE}")
    assert page.locator(".avancee").count() == 0
    page.goto(f"{site_url}/notebooks/{FIRST}.html")
    for number in range(QUESTIONS):
        answer(page, number)
    for box in page.get_by_role("checkbox", name="Exercice fait").all()[:-1]:
        box.check()
    page.goto(f"{site_url}/{PATHS_PAGE}")
    item = path.locator(".chapitre-lien").first
    assert item.locator(".etat").inner_text() == "En cours"
    assert sentence(QUESTIONS, EXERCISES - 1) in item.inner_text()
    assert path.locator(".parcours-etat").count() == 0
    page.goto(f"{site_url}/notebooks/{FIRST}.html")
    page.get_by_role("checkbox", name="Exercice fait").last.check()
    assert count(page) == f"Chapitre fait. {sentence(QUESTIONS, EXERCISES)}"
    page.goto(f"{site_url}/{PATHS_PAGE}")
    size = path.locator(".chapitre-lien").count()
    assert item.locator(".etat").inner_text().strip() == "Fait"
    assert path.locator(".parcours-etat").inner_text() == f"1 chapitre fait sur {size}."
    page.goto(f"{site_url}/book/index.html")
    assert page.locator(".etat").all_inner_texts() == ["Fait"]
    assert context.cookies() == []


def test_a_page_that_comes_back_shows_what_was_done_since(page, site_url):
    page.goto(f"{site_url}/{PATHS_PAGE}")
    names = ("notebooks/" + FIRST, "notebooks/" + SECOND)
    full = {"questions": [str(n) for n in range(99)], "exercises": [str(n) for n in range(99)]}
    kept = json.dumps(dict.fromkeys(names, full))
    page.evaluate("kept => localStorage.setItem('progression', kept)", kept)
    for _ in range(2):
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
        size = page.locator("#debutant .chapitre-lien").count()
        assert page.locator("#debutant .parcours-etat").inner_text() == f"2 chapitres faits sur {size}."
        assert page.locator("#debutant .etat").count() == 2


def test_a_question_that_was_rewritten_is_to_answer_again(page, site_url):
    address = f"{site_url}/notebooks/{FIRST}.html"
    page.goto(address)
    kept = json.dumps({f"notebooks/{FIRST}": {"questions": ["question-1-d-avant"], "exercises": []}})
    page.evaluate("kept => localStorage.setItem('progression', kept)", kept)
    page.reload()
    assert count(page) == sentence(0, 0)


REFUSED = """Object.defineProperty(window, 'localStorage', {
  get() { throw new DOMException('refused', 'SecurityError'); }
});"""
SPOILT = "localStorage.setItem('progression', '{')"


@pytest.mark.parametrize("script", [REFUSED, SPOILT], ids=["refused", "spoilt"])
def test_the_quiz_works_where_the_browser_keeps_nothing(page, site_url, script):
    page.add_init_script(script)
    page.goto(f"{site_url}/notebooks/{FIRST}.html")
    assert answer(page, 0) == "C’est juste."
    page.get_by_role("checkbox", name="Exercice fait").first.check()
    assert count(page) == sentence(1, 1)
    page.goto(f"{site_url}/{PATHS_PAGE}")
    assert page.locator(".chapitre-lien").count() > 0


def test_the_quiz_works_from_a_file(page, site):
    page.goto((site / f"notebooks/{FIRST}.html").as_uri())
    assert answer(page, 0) == "C’est juste."
    assert count(page) == sentence(1, 0)


def test_nothing_is_sent(page, site_url):
    page.goto(f"{site_url}/notebooks/{FIRST}.html", wait_until="networkidle")
    page.locator("img").evaluate_all("all => all.forEach(image => image.loading = 'eager')")
    page.wait_for_load_state("networkidle")
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    answer(page, 0, right=False)
    answer(page, 0)
    page.get_by_role("checkbox", name="Exercice fait").first.check()
    page.get_by_role("button", name="Recommencer le quiz").click()
    page.wait_for_timeout(300)
    assert requests == []


def test_without_script_one_chooses_then_opens_the_answer(browser, site_url):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site_url}/notebooks/{FIRST}.html")
    question = page.locator("section.question").first
    radios = question.get_by_role("radio").all()
    radios[1].check()
    radios[0].check()
    assert [radio.is_checked() for radio in radios[:2]] == [True, False]
    assert question.get_by_role("button").count() == 0
    text = question.locator("details p").first
    assert not text.is_visible()
    question.locator("summary").click()
    assert text.is_visible()
    assert text.inner_text().startswith(question.locator("fieldset").get_attribute("data-answer"))
    context.close()
