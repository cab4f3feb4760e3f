"""Defines what is thought of one piece of code."""

from dataclasses import dataclass

from bureau.port.finding import Kind, Verdict


@dataclass(frozen=True)
class Judgement:
    """Says whether a use of Celery moves, and why not. `shown` is used in place of the code, if it says more."""

    kind: Kind
    verdict: Verdict
    why: str = ""
    shown: str = ""
    certain: bool = True


def fine(kind: Kind, *, certain: bool = True) -> Judgement:
    return Judgement(kind, Verdict.AS_IS, certain=certain)


def by_hand(kind: Kind, why: str, shown: str = "") -> Judgement:
    return Judgement(kind, Verdict.BY_HAND, why, shown)


def judged(kind: Kind, reasons: list[str]) -> Judgement:
    """Returns one judgement of a thing with several parts: by hand if any of them is."""
    return by_hand(kind, " ".join(dict.fromkeys(reasons))) if reasons else fine(kind)
