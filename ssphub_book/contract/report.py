"""Findings as an author reads them in a terminal, or as a forge shows them beside the lines of a change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from ssphub_book.contract.finding import Finding, page


def text(findings: Iterable[Finding]) -> Iterator[str]:
    """One line for each finding, in columns, and an empty line after those of each file."""
    for _, group in groupby(sorted(findings), key=lambda finding: finding.file):
        rows = [(f"{finding.file}:{finding.line}", finding) for finding in group]
        place = max(len(where) for where, _ in rows)
        rule = max(len(finding.rule) for _, finding in rows)
        for where, finding in rows:
            yield f"{where:{place}}  {finding.rule:{rule}}  {finding.message}  → {finding.remedy}"
        yield ""


def github(findings: Iterable[Finding]) -> Iterator[str]:
    """One workflow command for each finding: an error, or a warning for an advice."""
    for finding in sorted(findings):
        level = "error" if finding.blocking else "warning"
        properties = {"file": finding.file, "line": str(finding.line), "title": finding.rule}
        given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
        yield f"::{level} {given}::{_message(f'{finding.message} → {finding.remedy}')}"


def _message(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _message(value).replace(":", "%3A").replace(",", "%2C")


def summary(findings: list[Finding], checked: int, without_outputs: list[str]) -> Iterator[str]:
    """How many chapters and findings, each rule with its count and its page, what has no outputs yet."""
    errors = sum(finding.blocking for finding in findings)
    counts = f"{_count(errors, 'erreur')}, {_count(len(findings) - errors, 'conseil')}"
    yield f"{_count(checked, 'chapitre')} {'vérifiés' if checked > 1 else 'vérifié'} : {counts}."
    rules = Counter((not finding.blocking, finding.rule) for finding in findings)
    width = max((len(rule) for _, rule in rules), default=0)
    for (advice, rule), number in sorted(rules.items(), key=lambda item: (item[0][0], -item[1], item[0][1])):
        yield f"  {number:4}  {'conseil' if advice else 'erreur ':7}  {rule:{width}}  voir {page(rule)}"
    if without_outputs:
        names = ", ".join(without_outputs)
        yield f"Sorties pas encore calculées, donc non vérifiées (make book) : {names}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number > 1 else ''}"
