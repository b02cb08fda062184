"""The guide's examples of each rule: what to avoid breaks that rule, what to write breaks none."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from ssphub_book import chapters, contract, execution
from ssphub_book.contract import finding
from tests.conftest import ROOT

SECTION = re.compile(r"^## `([\w-]+)`\n(.*?)(?=^## `|\Z)", re.MULTILINE | re.DOTALL)
EXAMPLE = re.compile(
    r"^\*\*(?P<label>À éviter|À écrire)\*\*\n\n"
    r"(?:^% à la place de : (?P<old>[^\n]+)\n\n)?"
    r"^(?P<fence>`{4,})\w+\n(?P<text>.*?)\n(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)
PLACE = "Un piège."
FILES = ("notebooks/essais/un-et-un.md", "_toc.yml")
RULES = {rule for rules in finding.GUIDE.values() for rule in rules}


@dataclass(frozen=True)
class Example:
    """A fragment of the guide, and the text of the small book whose place it takes."""

    rule: str
    label: str
    text: str
    old: str


def examples(page: str) -> list[Example]:
    """The examples of a page, in its order."""
    return [
        Example(rule, found["label"], found["text"], found["old"] or PLACE)
        for rule, section in SECTION.findall(page)
        for found in EXAMPLE.finditer(section)
    ]


def guide(name: str) -> str:
    return (ROOT / finding.GUIDE_FOLDER / f"{name}.md").read_text(encoding="utf-8")


EXAMPLES = [example for page in finding.GUIDE for example in examples(guide(page))]
OF_OUTPUTS = [example for example in EXAMPLES if example.rule in finding.GUIDE["sorties"]]
OF_TEXT = [example for example in EXAMPLES if example not in OF_OUTPUTS]


def put(book: Path, old: str, new: str) -> tuple[str, range]:
    """Write a fragment in the small book; return its file and its lines."""
    for name in FILES:
        text = (book / name).read_text(encoding="utf-8")
        if old in text:
            first = text[: text.index(old)].count("\n") + 1
            (book / name).write_text(text.replace(old, new, 1), encoding="utf-8")
            return name, range(first, first + new.count("\n") + 1)
    raise AssertionError(f"the small book does not hold « {old} »")


@pytest.mark.parametrize("page", finding.GUIDE)
def test_every_rule_has_one_section_and_every_section_is_a_rule(page):
    assert [rule for rule, _ in SECTION.findall(guide(page))] == list(finding.GUIDE[page])
    headings = chapters.read(ROOT, ROOT / finding.GUIDE_FOLDER / f"{page}.md").headings
    assert [title for _, level, title in headings if level > 1] == [f"`{r}`" for r in finding.GUIDE[page]]


def test_every_rule_has_both_examples():
    assert [(e.rule, e.label) for e in EXAMPLES] == [
        (rule, label)
        for rules in finding.GUIDE.values()
        for rule in rules
        for label in ("À éviter", "À écrire")
    ]


def test_no_rule_is_found_under_a_name_that_the_guide_does_not_know():
    named = set()
    for path in (ROOT / "ssphub_book/contract").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding" and node.args[2:]:
                named |= {node.args[2].value} if isinstance(node.args[2], ast.Constant) else set()
    assert named <= RULES
    assert len(named) > 15
    assert finding.ADVICE <= RULES


def test_the_list_of_the_guide_names_every_page():
    listing = (ROOT / f"{finding.GUIDE_FOLDER}.md").read_text(encoding="utf-8")
    for page in finding.GUIDE:
        assert f"(regles/{page}.md)" in listing
        assert (ROOT / finding.GUIDE_FOLDER / f"{page}.md").is_file()


@pytest.mark.parametrize("example", OF_TEXT, ids=lambda e: f"{e.rule}, {e.label}")
def test_an_example_of_the_text(small_book, example):
    file, lines = put(small_book, example.old, example.text)
    found = contract.check_book(chapters.find(small_book), small_book)
    if example.label == "À écrire":
        assert found == []
    else:
        assert {f.rule for f in found} == {example.rule}
        assert any(f.file == file and f.line in lines for f in found), (found, lines)


def test_the_examples_of_outputs(small_book):
    """All in one chapter, which runs once."""
    file, lines = put(small_book, PLACE, "\n\n".join(e.text for e in OF_OUTPUTS))
    (run,) = execution.execute(chapters.find(small_book)).values()
    assert run.failure is None
    found = contract.check_book([run.chapter], small_book)
    found += contract.check_outputs(run.chapter, run.notebook)
    expected, first = set(), lines.start
    for example in OF_OUTPUTS:
        size = example.text.count("\n") + 1
        here = {f.rule for f in found if f.line in range(first, first + size)}
        expected |= here
        assert here == ({example.rule} if example.label == "À éviter" else set()), (example, here)
        first += size + 1
    assert {f.rule for f in found} == expected
    assert {f.file for f in found} == {file}


def test_an_example_that_breaks_nothing_would_be_seen(small_book):
    """The harness itself: a sound fragment, where the guide says to avoid it, has no finding to show."""
    put(small_book, PLACE, "Un texte sans faute.")
    assert contract.check_book(chapters.find(small_book), small_book) == []
    with pytest.raises(AssertionError, match="does not hold"):
        put(small_book, "Un texte absent.", "")
