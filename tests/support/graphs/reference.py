"""Says how a job must end, as simply as possible.

It knows nothing of the ledger: no counters, no events, no order. A task's end follows from its script and from the ends
of the tasks before it. Only for a cancel must it be told how far the work had come. `skipped, failure before` is the
end of a task that was skipped because something before it failed.
"""

from collections.abc import Mapping, Sequence

from bureau.contracts.jobs.states import When
from tests.support.graphs.drawn import Comes, DrawnTask

CRASHES_AT_MOST = 5

PASSED_ON = "skipped, failure before"

Ends = dict[str, str]


def claims_and_end(script: Sequence[Comes], attempts: int) -> tuple[int, str]:
    """How many claims a script takes, and the task's end."""
    errors = crashes = 0
    for number, comes in enumerate(script, start=1):
        errors += comes is Comes.ERROR
        crashes += comes is Comes.CRASH
        if comes is Comes.RESULT:
            return number, "succeeded"
        if comes is Comes.REFUSAL or errors == attempts or crashes == CRASHES_AT_MOST:
            return number, "failed"
    raise AssertionError("a script comes to an end")


def end_where_asked_to_stop(script: Sequence[Comes], claim: int, attempts: int) -> str:
    """The end of a task that was asked to stop in its `claim`th claim, and did not hear: nothing begins again."""
    comes = script[claim - 1]
    if comes is Comes.RESULT:
        return "succeeded"
    last_attempt = comes is Comes.ERROR and list(script[:claim]).count(Comes.ERROR) == attempts
    return "failed" if comes is Comes.REFUSAL or last_attempt else "cancelled"


def _start(task: DrawnTask, before: Sequence[str | None]) -> str | None:
    """`runs` or how it is skipped; None while that depends on tasks that have not ended, whose end is None."""
    failure = any(end in ("failed", PASSED_ON) for end in before)
    if task.when is When.SUCCEEDED and failure:
        return PASSED_ON
    if None in before:
        return None
    if task.when is When.SUCCEEDED and any(end != "succeeded" for end in before):
        return "skipped"
    return "skipped" if task.when is When.FAILED and not failure else "runs"


def _shown(found: Mapping[str, str]) -> Ends:
    return {name: "skipped" if end == PASSED_ON else end for name, end in found.items()}


def ends(tasks: Sequence[DrawnTask], life: int, kept: Mapping[str, str]) -> Ends:
    """Nobody cancels it. `kept` is what succeeded in the life before."""
    found: Ends = {}
    for task in tasks:
        if task.name in kept:
            found[task.name] = kept[task.name]
        elif (start := _start(task, [found[name] for name in task.after])) == "runs":
            found[task.name] = claims_and_end(task.scripts[life], task.attempts)[1]
        else:
            found[task.name] = start or ""
    return _shown(found)


def ends_when_cancelled(tasks: Sequence[DrawnTask], ended: Mapping[str, str], running: Mapping[str, str]) -> Ends:
    """`ended` had run to their ends when it was cancelled, `running` ran and come to these."""
    known: dict[str, str | None] = {}
    for task in tasks:
        start = _start(task, [known[name] for name in task.after])
        skipped = start if start in ("skipped", PASSED_ON) and task.name not in running else None
        known[task.name] = ended.get(task.name, skipped)
    return _shown({name: end or running.get(name, "cancelled") for name, end in known.items()})


def job_end(tasks: Sequence[DrawnTask], found: Mapping[str, str]) -> str:
    if any(found[task.name] == "failed" and not task.optional for task in tasks):
        return "failed"
    return "cancelled" if "cancelled" in found.values() else "succeeded"
