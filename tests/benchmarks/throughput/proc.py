"""Accounts for processes: CPU time and memory of whole process trees, read from /proc."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")
REST = "rest"  # of the machine: the kernel, the programs of the measurement, and whoever else is busy
_BUSY = (0, 1, 2, 5, 6, 7)  # of the fields of /proc/stat: user, nice, system, irq, softirq, steal


@dataclass(frozen=True)
class Stat:
    """Holds a line of /proc/<pid>/stat. `ticks` are its own and those of the children that it has waited for."""

    pid: int
    parent: int
    ticks: int


@dataclass(frozen=True)
class Memory:
    """Holds the memory of a process tree in MB. `rss` counts a shared page for each process, `pss` counts it once."""

    rss: float
    pss: float


def parse_stat(line: str) -> Stat:
    """Counts the fields from the name's last parenthesis: a name may hold spaces and parentheses."""
    before, _, after = line.rpartition(")")
    fields = after.split()
    # state, ppid, pgrp, session, tty, tpgid, flags, four of faults, then utime, stime, cutime, cstime
    return Stat(int(before.split(" ", 1)[0]), int(fields[1]), sum(map(int, fields[11:15])))


def tree(roots: Iterable[int], stats: Mapping[int, Stat]) -> set[int]:
    """Returns the roots that are alive and all that descend from them."""
    children: dict[int, list[int]] = {}
    for stat in stats.values():
        children.setdefault(stat.parent, []).append(stat.pid)
    found: set[int] = set()
    coming = [pid for pid in roots if pid in stats]
    while coming:
        pid = coming.pop()
        if pid not in found:
            found.add(pid)
            coming += children.get(pid, [])
    return found


def cpu_seconds(roots: Iterable[int], stats: Mapping[int, Stat]) -> float:
    """Returns what trees have used so far, with their ended children: the parents counted those when they waited."""
    return sum(stats[pid].ticks for pid in tree(roots, stats)) / TICKS_A_SECOND


def busy_seconds(line: str) -> float:
    """Returns how long all processors were busy, from the first line of /proc/stat."""
    fields = line.split()[1:]
    return sum(int(fields[index]) for index in _BUSY) / TICKS_A_SECOND


def read_stats() -> dict[int, Stat]:
    """Reads all processes.

    A child that is waited for between two reads would be counted twice, or not at all: where the processes changed
    meanwhile, everything is read again.
    """
    while True:
        before = _pids()
        stats = {pid: stat for pid in before if (stat := _stat(pid))}
        if stats.keys() == before == _pids():
            return stats


def read_cpu(groups: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """Reads the CPU seconds so far of each group of trees, given by their roots, and of the rest of the machine."""
    stats = read_stats()
    used = {name: cpu_seconds(roots, stats) for name, roots in groups.items()}
    with (PROC / "stat").open() as file:
        busy = busy_seconds(file.readline())
    return {**used, REST: busy - sum(used.values())}


def used_between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Returns seconds by group; a group that was not there before began at 0."""
    return {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}


def read_memory(groups: Mapping[str, Iterable[int]]) -> dict[str, Memory]:
    """Reads the memory of each group of trees, given by their roots."""
    stats = read_stats()
    return {name: _memory(tree(roots, stats)) for name, roots in groups.items()}


def _memory(pids: Iterable[int]) -> Memory:
    rss = pss = 0
    for pid in pids:
        try:
            lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:  # it has ended, or is a zombie
            continue
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
        rss += sizes["Rss"]
        pss += sizes["Pss"]
    return Memory(rss / 1024, pss / 1024)


def _pids() -> set[int]:
    return {int(name) for name in os.listdir(PROC) if name.isdecimal()}


def _stat(pid: int) -> Stat | None:
    try:
        return parse_stat((PROC / str(pid) / "stat").read_text())
    except OSError:
        return None
