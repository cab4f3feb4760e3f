"""Defines what is found in a project: one use of Celery, where it stands, and whether it needs a hand."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    AS_IS = "as it is"  # the names of `bureau.celery` do the same
    REWRITTEN = "rewritten"  # `--write` changes it
    BY_HAND = "by hand"  # a person has to decide; `why` says what


class Kind(StrEnum):
    TASK = "tasks"  # a declaration
    CALL = "calls"  # delay, apply_async, send_task
    CANVAS = "parts of a canvas"  # signatures, chains, groups, chords
    RETRY = "retries"
    RESULT = "results"
    CONTEXT = "uses of a running task"  # the request of a running task, its state
    CONTROL = "uses of control"
    SIGNAL = "signals"
    SCHEDULE = "schedules"
    APP = "apps"
    SETTING = "settings"
    IMPORT = "imports"


# Settings and imports are lines that are moved once; everything else is a place where the code uses Celery.
CALL_SITES = frozenset(Kind) - {Kind.SETTING, Kind.IMPORT, Kind.SCHEDULE}


@dataclass(frozen=True)
class Finding:
    """Describes one use of Celery. `certain` is false where the task behind a call cannot be told by reading."""

    file: str
    line: int
    kind: Kind
    verdict: Verdict
    what: str
    why: str = ""
    certain: bool = True
