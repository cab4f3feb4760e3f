"""Collects `process_…` metrics of a parent and its children as if they were one process; on Linux only."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_PROC = Path("/proc")


@dataclass(frozen=True)
class _Process:
    """Holds the numbers of one process.

    `cpu` is in clock ticks and includes children that have ended and were waited for; `started` is in ticks since boot.
    """

    cpu: int
    resident_bytes: int
    open_files: int
    started: int


class ProcessTreeCollector(Collector):
    """Collects the sums over `parent` and its current children."""

    def __init__(self, parent: int) -> None:
        self._parent = parent

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        processes = {
            pid: process for pid in (self._parent, *_children(self._parent)) if (process := _read_process(pid))
        }
        if self._parent not in processes:
            return
        ticks = os.sysconf("SC_CLK_TCK")
        cpu = sum(process.cpu for process in processes.values()) / ticks
        yield CounterMetricFamily("process_cpu_seconds", "CPU time of all processes.", value=cpu)
        memory = sum(process.resident_bytes for process in processes.values())
        yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory of all processes.", value=memory)
        files = sum(process.open_files for process in processes.values())
        yield GaugeMetricFamily("process_open_fds", "Open files of all processes.", value=files)
        started = _boot_time() + processes[self._parent].started / ticks
        yield GaugeMetricFamily(
            "process_start_time_seconds", "Start time of the parent in Unix seconds.", value=started
        )


def _children(parent: int) -> list[int]:
    try:
        return [int(pid) for pid in (_PROC / f"{parent}/task/{parent}/children").read_text().split()]
    except OSError:
        return []


def _read_process(pid: int) -> _Process | None:
    """Reads the numbers of a process; None if it has ended."""
    try:
        fields = (_PROC / f"{pid}/stat").read_text().rpartition(")")[2].split()  # the process name may contain anything
        files = len(list((_PROC / f"{pid}/fd").iterdir()))
    except OSError:
        return None
    return _Process(
        cpu=sum(int(ticks) for ticks in fields[11:15]),
        resident_bytes=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
        open_files=files,
        started=int(fields[19]),
    )


def _boot_time() -> float:
    """Returns when the machine was booted, in seconds since 1970."""
    lines = (_PROC / "stat").read_text().splitlines()
    return next((float(line.split()[1]) for line in lines if line.startswith("btime ")), 0.0)
