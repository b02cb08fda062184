"""A standalone Spark cluster on the loopback, for the tests: one master and two one-core workers.

Run as a program (`python spark_cluster.py FOLDER`), it is the job of the fault-tolerance test.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from operator import add
from pathlib import Path

import psutil
import pyspark

START_LIMIT = 120  # seconds until both workers must be alive
TASKS, TASK_SECONDS, KEYS = 24, 0.5, 4
SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"
QUICK_JVM = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.executor.cores": 1,
    "spark.executor.memory": "800m",
    "spark.driver.extraJavaOptions": QUICK_JVM,
    "spark.executor.extraJavaOptions": QUICK_JVM,
    "spark.shuffle.io.retryWait": "1s",
    "spark.ui.enabled": "false",
}


def java() -> str | None:
    """Path of the Java that Spark would take, JAVA_HOME first; None where there is none."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(f"{home}/bin/java" if home else "java")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Cluster:
    """A context manager: the cluster is up inside the block, and nothing of it is left after."""

    def __init__(self, folder: Path, workers: int = 2):
        self.folder, self.processes = folder, []
        self.port, self.page, *ports = _free_ports(2 + 2 * workers)
        self.worker_ports = ports[:workers]
        self._worker_pages = ports[workers:]
        self.url = f"spark://127.0.0.1:{self.port}"

    def __enter__(self) -> Cluster:
        try:
            self._launch("master.Master", "--port", self.port, "--webui-port", self.page)
            self._wait(lambda: self.state() is not None)
            for port, page in zip(self.worker_ports, self._worker_pages, strict=True):
                places = ["--port", port, "--webui-port", page, "--work-dir", self.folder / "work"]
                self._launch("worker.Worker", *places, "-c", 1, "-m", "1g", self.url)
            self._wait(lambda: list(self.workers().values()) == ["ALIVE"] * len(self.worker_ports))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        family = [member for process in self.processes for member in self._family(process)]
        for member in family:
            member.terminate()
        _, stubborn = psutil.wait_procs(family, timeout=10)
        for member in stubborn:
            member.kill()
        psutil.wait_procs(stubborn, timeout=10)

    @property
    def environment(self) -> dict[str, str]:
        """Variables under which a program that names no master runs on this cluster."""
        conf = self.folder / "conf"
        conf.mkdir(exist_ok=True)
        lines = [f"{key} {value}" for key, value in {"spark.master": self.url, **SETTINGS}.items()]
        (conf / "spark-defaults.conf").write_text("\n".join(lines) + "\n")
        return {
            "SPARK_CONF_DIR": str(conf),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": sys.executable,
        }

    def state(self) -> dict | None:
        """What the master's JSON page says; None while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.page}/json/", timeout=5) as answer:
                return json.load(answer)
        except OSError:
            return None

    def workers(self) -> dict[int, str]:
        """State (ALIVE, DEAD) of each worker that the master knows, by port."""
        state = self.state() or {"workers": []}
        return {worker["port"]: worker["state"] for worker in state["workers"]}

    def members(self, worker: int) -> set[int]:
        """Process numbers of a worker, its executors and their Python workers."""
        return {member.pid for member in self._family(self.processes[1 + worker])}

    def kill(self, worker: int) -> None:
        """SIGKILL a worker and its executors at once, as when a machine loses its power."""
        for member in self._family(self.processes[1 + worker]):
            member.send_signal(signal.SIGKILL)

    def _launch(self, name: str, *arguments: object) -> None:
        environment = {
            **os.environ,
            **self.environment,
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_DAEMON_JAVA_OPTS": QUICK_JVM,
        }
        main = f"org.apache.spark.deploy.{name}"
        command = [SPARK_CLASS, main, "--host", "127.0.0.1", *arguments]
        with open(self.folder / "cluster.log", "ab") as log:
            self.processes.append(
                subprocess.Popen(list(map(str, command)), env=environment, stdout=log, stderr=log)
            )

    def _wait(self, ready) -> None:
        limit = time.monotonic() + START_LIMIT
        while not ready():
            dead = [process for process in self.processes if process.poll() is not None]
            if dead or time.monotonic() > limit:
                log = (self.folder / "cluster.log").read_text(errors="replace")[-3000:]
                raise RuntimeError(f"the Spark cluster did not start:\n{log}")
            time.sleep(0.2)

    @staticmethod
    def _family(process: subprocess.Popen) -> list[psutil.Process]:
        try:
            parent = psutil.Process(process.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def job(folder: Path) -> None:
    """Sum 0..TASKS-1 by key, one slow task per number; each task leaves a mark when it is done."""
    from pyspark.sql import SparkSession

    def slow(number: int) -> tuple[int, int]:
        time.sleep(TASK_SECONDS)
        mark = folder / f"{number}-{os.getpid()}-{time.time_ns()}"
        mark.touch()
        return number % KEYS, number

    spark = SparkSession.builder.appName("fault-tolerance").getOrCreate()
    numbers = spark.sparkContext.parallelize(range(TASKS), TASKS)
    sums = numbers.map(slow).reduceByKey(add, KEYS).collect()
    print(json.dumps({"master": spark.sparkContext.master, "sums": sorted(sums)}))
    spark.stop()


if __name__ == "__main__":
    job(Path(sys.argv[1]))
