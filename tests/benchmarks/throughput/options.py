"""Reads what a run measures: PARTS, JOBS, ROUNDS, CELERY_CONFIRMS, CELERY_CONNECTS."""

from collections.abc import Mapping
from dataclasses import dataclass

BESIDE_CELERY = ("mail", "single", "chain", "group")
ALONE = ("backlog", "history", "idle", "embedded")


@dataclass(frozen=True)
class CeleryHabits:
    """Holds two things that applications of Celery do one way or the other; the defaults are the faster ways."""

    confirms: bool = False  # `delay()` waits until RabbitMQ has the message
    connects: bool = False  # to the mail server for each mail, as Flask-Mail and Django do


@dataclass(frozen=True)
class Options:
    """Holds a run's options.

    `jobs` are the e-mail jobs of each measurement; `rounds` is how often each stack is measured, in turn.
    """

    parts: tuple[str, ...] = BESIDE_CELERY
    jobs: int = 2_000
    clients: int = 32
    rounds: int = 3
    celery: CeleryHabits = CeleryHabits()


def read(environment: Mapping[str, str]) -> Options:
    """Returns the options. Raises ValueError with what is wrong, in words for whoever typed it."""
    usual = Options()
    parts = tuple(environment.get("PARTS", "").replace(",", " ").split()) or usual.parts
    if unknown := [part for part in parts if part not in (*BESIDE_CELERY, *ALONE)]:
        raise ValueError(f"PARTS: there is no {', '.join(unknown)}; choose of {' '.join((*BESIDE_CELERY, *ALONE))}")
    return Options(
        parts,
        jobs=_number(environment, "JOBS", usual.jobs, least=100),
        rounds=_number(environment, "ROUNDS", usual.rounds, least=1),
        celery=CeleryHabits(
            confirms=environment.get("CELERY_CONFIRMS", "") == "1",
            connects=environment.get("CELERY_CONNECTS", "") == "1",
        ),
    )


def _number(environment: Mapping[str, str], name: str, usual: int, *, least: int) -> int:
    text = environment.get(name, "").replace(",", "").replace("_", "")
    if text and not text.isdecimal():
        raise ValueError(f"{name}: {text} is no number")
    number = int(text or usual)
    if number < least:
        raise ValueError(f"{name}: {number} is too few to measure anything; use {least} or more")
    return number
