"""Runs a private Prometheus that scrapes what a test names, and promtool; both are from Debian's package."""

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.running.processes import Process
from tests.support.servers.installing import installed
from tests.support.servers.ports import free_port
from tests.support.waiting import until


def program(name: str) -> str:
    """`prometheus` or `promtool`."""
    return installed(lambda: shutil.which(name), "prometheus", "PATH")


def errors(exposed: str) -> str:
    """What `promtool check metrics` has against an exposition; empty where it is clean."""
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=exposed, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


class Prometheus:
    """Answers queries about what it has scraped; `url` is its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.began = time.time()

    def query(self, expression: str, at: float | None = None) -> dict[tuple[tuple[str, str], ...], float]:
        """The value of each series now, or `at` a time, by its labels without those that scraping adds."""
        asked = {"query": expression, **({} if at is None else {"time": str(at)})}
        found = self._get(f"/api/v1/query?{urllib.parse.urlencode(asked)}")["result"]
        return {_labels(series["metric"]): float(series["value"][1]) for series in found}

    def value(self, expression: str, at: float | None = None) -> float:
        """The sum of all its series; 0 where there is none."""
        return sum(self.query(expression, at).values())

    def begin(self, targets: int) -> None:
        """What is counted from now on is `gained`: each of so many targets has told what happened before."""
        asked = time.time()
        told = f"count(timestamp(process_cpu_seconds_total) > {asked})"
        until(lambda: self.value(told) == targets, 60, lambda: f"{targets} targets scraped: {self.down()}")
        self.began = time.time()

    def gained(self, expression: str) -> float:
        """By how much the value has grown since `begin`."""
        return self.value(expression) - self.value(expression, self.began)

    def down(self) -> dict[str, str]:
        """The targets that could not be scraped, with the reason."""
        targets = self._get("/api/v1/targets")["activeTargets"]
        return {target["scrapeUrl"]: target["lastError"] for target in targets if target["health"] != "up"}

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:  # noqa: S310 - its own URL
            return json.load(answer)["data"]


def _labels(metric: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in metric.items() if name not in ("instance", "job")))


@contextmanager
def prometheus(folder: Path, targets: Sequence[str]) -> Iterator[Prometheus]:
    """Running on a port of its own, scraping `targets` (host:port) each second."""
    folder.mkdir(exist_ok=True)
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "bureau", "static_configs": [{"targets": list(targets)}]}],
    }
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(config))  # JSON is YAML
    url = f"http://127.0.0.1:{free_port()}"
    command = [
        program("prometheus"),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
    ]
    with Process(command, log=folder / "prometheus.log") as process:
        process.wait_for_http(f"{url}/-/ready", seconds=30)
        yield Prometheus(url)
        process.stop()
