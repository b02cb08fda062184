"""The weight of a first visit: each page in a browser that has seen nothing, served as a host does."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.serving import drawn_pages, serve

MEDIAN_KB, P95_KB, MEDIAN_REQUESTS = 180, 500, 15
RUNS = 3 if os.environ.get("SSPHUB_WHOLE") else 1  # the times that the table shows are worth a median
OBSERVE = """
globalThis.seen = {lcp: 0, tbt: 0, cls: 0};
const observe = (type, note) =>
  new PerformanceObserver(list => list.getEntries().forEach(note)).observe({type, buffered: true});
observe('largest-contentful-paint', entry => (seen.lcp = entry.startTime));
observe('longtask', entry => (seen.tbt += Math.max(0, entry.duration - 50)));
observe('layout-shift', entry => (seen.cls += entry.hadRecentInput ? 0 : entry.value));
"""


class Visit(NamedTuple):
    """What one first visit cost."""

    name: str
    kilobytes: float
    requests: int
    hosts: frozenset[str]
    cookies: int
    lcp: float
    blocking: float
    shift: float


def visit(browser, address: str, name: str) -> Visit:
    """Open one page in a new profile and wait until nothing more comes."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(OBSERVE)
    page = context.new_page()
    sizes: dict[str, float] = {}
    urls: list[str] = []
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.on("Network.requestWillBeSent", lambda event: urls.append(event["request"]["url"]))
    devtools.on(
        "Network.loadingFinished",
        lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}),
    )
    page.goto(f"{address}/{name}", wait_until="networkidle")
    seen = page.evaluate("seen")
    cookies = len(context.cookies())
    context.close()
    hosts = frozenset(urlsplit(url).netloc for url in urls if not url.startswith("data:"))
    weight = sum(sizes.values()) / 1000
    return Visit(name, weight, len(urls), hosts, cookies, seen["lcp"], seen["tbt"], seen["cls"])


@pytest.fixture(scope="module")
def address(site) -> Iterator[str]:
    with serve(site) as address:
        yield address


@pytest.fixture(scope="module")
def visits(site, address, browser) -> dict[str, list[Visit]]:
    """Each chapter drawn opened `RUNS` times, each time by a new profile, each other page once."""
    runs = {name: RUNS if name.startswith("notebooks/") else 1 for name in drawn_pages(site)}
    return {name: [visit(browser, address, name) for _ in range(runs[name])] for name in runs}


def percentile_95(values: list[float]) -> float:
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, round(0.95 * (len(ranked) - 1) + 0.5))]


def over_budget(kilobytes: list[float], requests: list[int]) -> list[str]:
    found = []
    if (median := statistics.median(kilobytes)) > MEDIAN_KB:
        found.append(f"median weight {median:.0f} kB, budget {MEDIAN_KB}")
    if (p95 := percentile_95(kilobytes)) > P95_KB:
        found.append(f"95th percentile {p95:.0f} kB, budget {P95_KB}")
    if (median := statistics.median(requests)) > MEDIAN_REQUESTS:
        found.append(f"median of {median} requests, budget {MEDIAN_REQUESTS}")
    return found


def test_a_first_visit_is_light(visits, capsys):
    first = [runs[0] for runs in visits.values()]
    lines = [f"{'page':45} {'kB':>6} {'requests':>8} {'LCP ms':>7} {'TBT ms':>7} {'CLS':>6}"]
    for name, runs in visits.items():
        lcp, blocking, shift = (
            statistics.median(values) for values in zip(*(r[5:] for r in runs), strict=True)
        )
        heading = f"{name:45} {runs[0].kilobytes:6.1f} {runs[0].requests:8}"
        lines.append(f"{heading} {lcp:7.0f} {blocking:7.0f} {shift:6.3f}")
    weights, requests = [v.kilobytes for v in first], [v.requests for v in first]
    lines.append(
        f"median {statistics.median(weights):.1f} kB, 95th percentile {percentile_95(weights):.1f} kB, "
        f"median {statistics.median(requests)} requests; times of chapters: median of {RUNS} runs on loopback"
    )
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert min(weights) > 0
    assert over_budget(weights, requests) == []


def test_nothing_comes_from_elsewhere_and_no_cookie_is_set(visits, address):
    for runs in visits.values():
        for run in runs:
            assert run.hosts == {urlsplit(address).netloc}, run
            assert run.cookies == 0, run


def test_the_budgets_bite():
    assert over_budget([10, 20, 30], [3, 4, 5]) == []
    assert len(over_budget([200, 200, 600], [16, 16, 16])) == 3
    assert percentile_95([1.0] * 19 + [900.0]) == 900.0


def test_the_measure_sees_weight_and_other_sites(browser, site, address, tmp_path):
    """A page that asks another site for something and carries 300 kB that do not compress."""
    (tmp_path / "_headers").write_text("/*\n  X-Content-Type-Options: nosniff\n", encoding="utf-8")
    (tmp_path / "big.js").write_text(f"// {os.urandom(350_000).hex()}", encoding="utf-8")
    (tmp_path / "a.html").write_text(
        "<!DOCTYPE html><title>x</title><script src='big.js'></script>"
        f"<img src='{address}/_static/icone.svg'>",
        encoding="utf-8",
    )
    with serve(tmp_path) as other:
        heavy = visit(browser, other, "a.html")
    assert heavy.kilobytes > 300
    assert urlsplit(address).netloc in heavy.hosts
