"""Reads the CPU time of a stack between two moments."""

from collections.abc import Mapping

from tests.benchmarks.throughput.proc import read_cpu, used_between
from tests.benchmarks.throughput.stacks.contender import Contender


class Meter:
    """Measures from its creation on. The stack's processes must be the same until it is read."""

    def __init__(self, contender: Contender) -> None:
        self._roots = contender.roots()
        self._before = read_cpu(self._roots)

    def seconds(self) -> Mapping[str, float]:
        """Returns what each group has used since then, and the rest of the machine."""
        return used_between(self._before, read_cpu(self._roots))

    def ms_a_job(self, jobs: int) -> Mapping[str, float]:
        return {group: seconds * 1000 / jobs for group, seconds in self.seconds().items()}
