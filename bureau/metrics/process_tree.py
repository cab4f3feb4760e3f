"""`process_…` metrics of a parent and its children together, as if they were one process. Linux; else nothing."""

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
    """CPU in clock ticks, with that of children that have died and were waited for; start in ticks since boot."""

    cpu: int
    resident_bytes: int
    open_files: int
    started: int


class ProcessTreeCollector(Collector):
    """Of `parent` and the processes that it has now."""

    def __init__(self, parent: int) -> None:
        self._parent = parent

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        found = {pid: process for pid in (self._parent, *_children(self._parent)) if (process := _read(pid))}
        if self._parent not in found:
            return
        ticks = os.sysconf("SC_CLK_TCK")
        cpu = sum(process.cpu for process in found.values()) / ticks
        yield CounterMetricFamily("process_cpu_seconds", "CPU time of all its processes.", value=cpu)
        memory = sum(process.resident_bytes for process in found.values())
        yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory of all its processes.", value=memory)
        files = sum(process.open_files for process in found.values())
        yield GaugeMetricFamily("process_open_fds", "Open files of all its processes.", value=files)
        started = _booted() + found[self._parent].started / ticks
        yield GaugeMetricFamily("process_start_time_seconds", "When the parent was started.", value=started)


def _children(parent: int) -> list[int]:
    try:
        return [int(pid) for pid in (_PROC / f"{parent}/task/{parent}/children").read_text().split()]
    except OSError:
        return []


def _read(pid: int) -> _Process | None:
    """None where it has ended."""
    try:
        fields = (_PROC / f"{pid}/stat").read_text().rpartition(")")[2].split()  # its name may hold anything
        files = len(list((_PROC / f"{pid}/fd").iterdir()))
    except OSError:
        return None
    return _Process(
        cpu=sum(int(ticks) for ticks in fields[11:15]),
        resident_bytes=int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
        open_files=files,
        started=int(fields[19]),
    )


def _booted() -> float:
    """Seconds since the epoch."""
    lines = (_PROC / "stat").read_text().splitlines()
    return next((float(line.split()[1]) for line in lines if line.startswith("btime ")), 0.0)
