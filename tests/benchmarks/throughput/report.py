"""Writes the tables at the end of a run."""

import statistics
from collections.abc import Iterator, Sequence

from tests.benchmarks.throughput.bars import Bar
from tests.benchmarks.throughput.figures import median_of_ratios
from tests.benchmarks.throughput.proc import REST
from tests.benchmarks.throughput.results import Results, Sample, of_groups
from tests.benchmarks.throughput.stacks.contender import GROUPS


def tables(results: Results) -> Iterator[str]:
    """Yields lines: the figures of each round and their ratios, CPU time by group, memory by group."""
    yield from _figures(results)
    yield from _cpu(results)
    yield from _memory(results)


def bar_lines(bars: Sequence[Bar]) -> Iterator[str]:
    if bars:
        yield "\nBARS"
        yield from map(str, bars)


def _figures(results: Results) -> Iterator[str]:
    yield "\nFIGURES, a number a round; the ratio is the median of one ratio a round"
    for phase, by_variant in results.phases.items():
        yield f"{phase:<34}{''.join(f'{variant:>32}' for variant in by_variant)}{'ratio':>10}"
        first = next(iter(by_variant.values()))
        for figure in first[0].figures:
            rounds = [[sample.figures[figure] for sample in samples] for samples in by_variant.values()]
            cells = "".join(f"{' '.join(map(_number, values)):>32}" for values in rounds)
            yield f"  {figure:<32}{cells}{_ratio(*rounds) if len(rounds) == 2 else ''}"


def _ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    """Returns the median ratio, or a dash where the others used less than a tick of the clock."""
    return f"{median_of_ratios(ours, theirs):>10.2f}" if all(theirs) else f"{'-':>10}"


def _cpu(results: Results) -> Iterator[str]:
    found = [(phase, variant, samples) for phase, variant, samples in _samples(results) if samples[0].cpu_ms]
    if not found:
        return
    yield "\nCPU, ms a job or task; medians. 'rest' is what else the machine did: kernel, measurement, other programs"
    yield f"{'':<45}{''.join(f'{group:>12}' for group in GROUPS)}{'sum':>10}{REST:>10}"
    for phase, variant, samples in found:
        median = {group: statistics.median(one.cpu_ms.get(group, 0.0) for one in samples) for group in GROUPS}
        cells = "".join(f"{ms:>12.2f}" if ms else f"{'-':>12}" for ms in median.values())
        total = statistics.median(of_groups(one.cpu_ms) for one in samples)
        rest = statistics.median(one.cpu_ms[REST] for one in samples)
        yield f"{f'{phase}, {variant}':<45}{cells}{total:>10.2f}{rest:>10.2f}"


def _memory(results: Results) -> Iterator[str]:
    found = [(phase, variant, samples) for phase, variant, samples in _samples(results) if samples[0].memory]
    if not found:
        return
    yield "\nMEMORY at the end of the phase, MB as PSS/RSS; medians. PSS counts shared pages once"
    yield f"{'':<45}{''.join(f'{group:>12}' for group in GROUPS)}{'sum of PSS':>12}"
    for phase, variant, samples in found:
        cells = "".join(_sizes(samples, group) for group in GROUPS)
        total = statistics.median(sum(size.pss for size in one.memory.values()) for one in samples)
        yield f"{f'{phase}, {variant}':<45}{cells}{total:>12.0f}"


def _sizes(samples: Sequence[Sample], group: str) -> str:
    sizes = [one.memory[group] for one in samples if group in one.memory]
    if not sizes:
        return f"{'-':>12}"
    pss, rss = (statistics.median(getattr(size, name) for size in sizes) for name in ("pss", "rss"))
    return f"{f'{pss:.0f}/{rss:.0f}':>12}"


def _samples(results: Results) -> Iterator[tuple[str, str, list[Sample]]]:
    for phase, by_variant in results.phases.items():
        for variant, samples in by_variant.items():
            yield phase, variant, samples


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 100 else f"{value:.2f}"
