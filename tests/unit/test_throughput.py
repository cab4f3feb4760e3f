"""The accounting of `make bench-throughput`: percentiles, ratios, and what process trees use."""

import os
import subprocess
import sys

import pytest

from tests.benchmarks.throughput.figures import median_of_ratios, percentile
from tests.benchmarks.throughput.proc import (
    TICKS_A_SECOND,
    Stat,
    busy_seconds,
    cpu_seconds,
    parse_stat,
    read_cpu,
    read_memory,
    tree,
    used_between,
)

# Uses 0.4 s of CPU time, itself or in a child that ends, then waits for its own end.
SPIN = "import time\nwhile time.process_time() < 0.4: pass\n"
WAIT = "print('done', flush=True); time.sleep(600)"
ITSELF = SPIN + WAIT
CHILD = f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {SPIN!r}], check=True)\n{WAIT}"


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7.0], 0.5, 7.0),
        ([7.0], 0.99, 7.0),
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0),
        ([4.0, 1.0, 3.0, 2.0], 0.75, 3.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([float(n) for n in range(1, 101)], 1.0, 100.0),
        ([float(n) for n in range(1, 101)], 0.0, 1.0),
    ],
)
def test_a_percentile_is_the_nearest_rank(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_a_ratio_is_the_median_of_the_rounds_and_not_of_the_sides() -> None:
    ours, theirs = [10.0, 40.0, 20.0], [10.0, 20.0, 20.0]  # the machine was fast in the second round
    assert median_of_ratios(ours, theirs) == 1.0


def test_rounds_that_only_one_side_has_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        median_of_ratios([1.0, 2.0], [1.0])


def test_a_name_with_parentheses_and_spaces_does_not_shift_the_fields() -> None:
    line = "4711 (a) b (c)) S 12 1 1 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 8 0 99 1 1"
    assert parse_stat(line) == Stat(4711, 12, 127)


def test_a_tree_is_the_roots_that_live_and_their_descendants() -> None:
    stats = {stat.pid: stat for stat in (Stat(1, 0, 5), Stat(2, 1, 7), Stat(3, 2, 9), Stat(4, 1, 11), Stat(5, 9, 13))}
    assert tree([2], stats) == {2, 3}
    assert tree([2, 3], stats) == {2, 3}
    assert tree([1], stats) == {1, 2, 3, 4}
    assert tree([8], stats) == set()
    assert cpu_seconds([2, 5], stats) == (7 + 9 + 13) / TICKS_A_SECOND


def test_a_busy_machine_counts_neither_idle_time_nor_guests_twice() -> None:
    #                user nice system idle iowait irq softirq steal guest guest_nice
    line = "cpu  100 20 30 4000 500 1 2 3 100 20"
    assert busy_seconds(line) == (100 + 20 + 30 + 1 + 2 + 3) / TICKS_A_SECOND


def test_the_usage_of_a_new_group_is_counted_from_zero() -> None:
    assert used_between({"web": 1.0}, {"web": 3.5, "worker": 2.0}) == {"web": 2.5, "worker": 2.0}


@pytest.mark.parametrize("code", [ITSELF, CHILD], ids=["itself", "child"])
def test_the_cpu_time_of_a_process_and_of_its_ended_child_is_counted(code: str) -> None:
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n"
            used = read_cpu({"it": [process.pid], "none": []})
        finally:
            process.kill()
    assert 0.35 < used["it"] < 1.5
    assert used["none"] == 0.0


def test_memory_is_read_of_a_tree_and_shared_pages_count_once_in_pss() -> None:
    memory = read_memory({"us": [os.getpid()], "nobody": []})
    assert 10 < memory["us"].pss <= memory["us"].rss
    assert memory["nobody"].rss == 0
