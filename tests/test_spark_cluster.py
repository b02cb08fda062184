"""The Spark chapter on a real cluster, unchanged; and a job that outlives one of its machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from ssphub_book import chapters, environment, execution

pytest.importorskip("pyspark")
from tests import spark_cluster

ROOT = Path(__file__).resolve().parent.parent
CHAPTER = ROOT / "notebooks" / "donnees-massives" / "spark.md"
JOB_LIMIT = 120  # seconds; the job takes about 20 on an idle machine


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[spark_cluster.Cluster]:
    environment.activate()
    if spark_cluster.java() is None:
        reason = "Spark needs Java 17 or 21, and there is none on this machine"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    with spark_cluster.Cluster(tmp_path_factory.mktemp("spark")) as running:
        yield running
    assert all(process.poll() is not None for process in running.processes), "left running"


def test_the_chapter_runs_unchanged_on_the_cluster(cluster, monkeypatch):
    assert list(cluster.workers().values()) == ["ALIVE", "ALIVE"]
    assert ".master(" not in "".join(cell.source for cell in chapters.read(ROOT, CHAPTER).cells)
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    # The data stand where every worker sees them: the chapter may leave its own machine.
    monkeypatch.setenv("RACINE_DONNEES", str(ROOT / "notebooks" / "data"))
    monkeypatch.delenv("PYSPARK_SUBMIT_ARGS", raising=False)

    run = execution.run_chapter(chapters.read(ROOT, CHAPTER))

    assert run.failure is None, f"line {run.failure.cell.line}: {run.failure.message}"
    assert {outcome.status for outcome in run.outcomes} == {"ok"}
    checks = [outcome for outcome in run.outcomes if "verification" in outcome.cell.tags]
    assert len(checks) >= 10
    assert _settings(run)["spark.master"] == cluster.url
    done = [app for app in cluster.state()["completedapps"] if app["name"] == "elus-municipaux"]
    assert [(app["cores"], app["state"]) for app in done] == [(2, "FINISHED")]


def _settings(run: execution.Run) -> dict[str, str]:
    """The table that the session's cell shows."""
    nodes = [cell for cell in run.notebook.cells if cell.cell_type == "code"]
    cell = next(node for node in nodes if "moteur" in node.metadata.get("tags", []))
    html = next(o.data["text/html"] for o in cell.outputs if "text/html" in o.get("data", {}))
    rows = [row.find_all("td") for row in BeautifulSoup(html, "html.parser").select("tbody tr")]
    return {key.text: value.text for key, value in rows}


def test_a_job_survives_the_death_of_a_worker(cluster, tmp_path):
    log = tmp_path / "job.log"
    marks = tmp_path / "marks"
    marks.mkdir()
    with log.open("w") as errors:
        job = subprocess.Popen(
            [sys.executable, spark_cluster.__file__, str(marks)],
            env={**os.environ, **cluster.environment},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        # Wait until both workers have done tasks of the job, then kill the first in mid-job.
        victims = _until(lambda: _both_at_work(cluster, marks), job, log)
        before = _done(marks)
        cluster.kill(0)
        assert job.poll() is None
        answer, _ = job.communicate(timeout=JOB_LIMIT)
    finally:
        job.kill()
        job.wait()

    assert job.returncode == 0, log.read_text()[-3000:]
    said = json.loads(answer.splitlines()[-1])
    assert said["master"] == cluster.url
    numbers, keys = spark_cluster.TASKS, spark_cluster.KEYS
    assert said["sums"] == [[key, sum(range(key, numbers, keys))] for key in range(keys)]

    after = _done(marks) - before
    lost = {number for number, pid, _ in before if pid in victims}
    assert lost and {number for number, *_ in before} < set(range(numbers)), "killed in mid-job"
    assert after and not {pid for _, pid, _ in after} & victims, "the survivor alone went on"
    assert lost <= {number for number, *_ in after}, "what the victim had done is done again"
    assert {number for number, *_ in before | after} == set(range(numbers))
    states = _until(lambda: _dead(cluster), None, log)
    first, second = cluster.worker_ports
    assert (states[first], states[second]) == ("DEAD", "ALIVE")


def _done(marks: Path) -> set[tuple[int, int, int]]:
    """(number, process, time) of each task done."""
    return {tuple(map(int, mark.name.split("-"))) for mark in marks.iterdir()}


def _both_at_work(cluster, marks: Path) -> set[int]:
    """Processes of the first worker, once both workers have done two tasks each; else nothing."""
    members = [cluster.members(0), cluster.members(1)]
    done = [sum(pid in each for _, pid, _ in _done(marks)) for each in members]
    return members[0] if min(done) >= 2 else set()


def _dead(cluster) -> dict[int, str]:
    states = cluster.workers()
    return states if "DEAD" in states.values() else {}


def _until(ready, job: subprocess.Popen | None, log: Path):
    limit = time.monotonic() + JOB_LIMIT
    while not (found := ready()):
        ended = job is not None and job.poll() is not None
        assert not ended and time.monotonic() < limit, log.read_text()[-3000:]
        time.sleep(0.1)
    return found
