"""Counts what was found, by file and by kind."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bureau.port.finding import CALL_SITES, Finding, Kind, Verdict


@dataclass(frozen=True)
class Counts:
    """Holds the number of findings with each verdict."""

    as_is: int = 0
    rewritten: int = 0
    by_hand: int = 0

    @property
    def total(self) -> int:
        return self.as_is + self.rewritten + self.by_hand

    @property
    def share(self) -> float | None:
        """Returns the share in percent that needs no hand; None if there is nothing."""
        return 100 * (self.as_is + self.rewritten) / self.total if self.total else None


def counted(findings: Iterable[Finding]) -> Counts:
    numbers = Counter(one.verdict for one in findings)
    return Counts(numbers[Verdict.AS_IS], numbers[Verdict.REWRITTEN], numbers[Verdict.BY_HAND])


def call_sites(findings: Iterable[Finding]) -> Counts:
    """Counts the places where the code uses Celery; settings, imports and schedules are moved once."""
    return counted(one for one in findings if one.kind in CALL_SITES)


def by_file(findings: Iterable[Finding]) -> dict[str, Counts]:
    files: dict[str, list[Finding]] = {}
    for one in findings:
        files.setdefault(one.file, []).append(one)
    return {file: counted(found) for file, found in files.items()}


def by_kind(findings: Iterable[Finding]) -> dict[Kind, Counts]:
    found = list(findings)
    kinds = {kind: counted(one for one in found if one.kind is kind) for kind in Kind}
    return {kind: counts for kind, counts in kinds.items() if counts.total}
