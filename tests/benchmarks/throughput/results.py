"""Keeps what was measured: samples by phase and variant, one a round."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.benchmarks.throughput.figures import median_of_ratios
from tests.benchmarks.throughput.proc import REST, Memory

BUREAU, CELERY = "Bureau", "Celery"
CPU = "CPU, ms a job"


@dataclass(frozen=True)
class Sample:
    """Holds one measurement. `cpu_ms` is milliseconds a job by group of processes."""

    figures: Mapping[str, float]
    cpu_ms: Mapping[str, float] = field(default_factory=dict)
    memory: Mapping[str, Memory] = field(default_factory=dict)


class Results:
    """Keeps samples by phase ("e-mails, end to end") and variant ("Bureau", "Celery")."""

    def __init__(self) -> None:
        self.phases: dict[str, dict[str, list[Sample]]] = {}

    def add(self, phase: str, variant: str, sample: Sample) -> None:
        self.phases.setdefault(phase, {}).setdefault(variant, []).append(sample)
        said = ", ".join(f"{name} {value:,.2f}" for name, value in sample.figures.items())
        print(f"    {variant}, {phase}: {said}", flush=True)

    def samples(self, phase: str, variant: str) -> list[Sample]:
        return self.phases.get(phase, {}).get(variant, [])

    def values(self, phase: str, variant: str, figure: str) -> list[float]:
        return [sample.figures[figure] for sample in self.samples(phase, variant)]

    def ratio(self, phase: str, figure: str, ours: str = BUREAU, theirs: str = CELERY) -> float | None:
        """Returns the median of the rounds' ratios, or None where one of the two was not measured."""
        mine, others = self.values(phase, ours, figure), self.values(phase, theirs, figure)
        return median_of_ratios(mine, others) if mine and others else None


def of_groups(cpu_ms: Mapping[str, float]) -> float:
    """Returns what the stack's own processes took: all but the rest of the machine."""
    return sum(ms for group, ms in cpu_ms.items() if group != REST)
