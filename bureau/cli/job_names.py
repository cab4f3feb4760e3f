"""Finds the job that a person names by its id or by a part of it, such as the end that lists show."""

from uuid import UUID

from bureau.client import Bureau, BureauError, Job, Problem

END = 8  # digits of an id that lists show on a terminal: those made within weeks begin alike
_SHOWN = 5


class NotOneJob(BureauError):
    """Says that a part of an id is in no job's id, or in several."""


def find_job(bureau: Bureau, name: str) -> Job:
    """Returns the job whose id is `name` or contains it. Raises `NotOneJob`, `Problem`, `Unreachable`."""
    if is_id(name):
        return bureau.get(name)
    try:
        found = list(bureau.jobs(id=name, limit=_SHOWN + 1))
    except Problem as problem:
        if problem.status != 422:
            raise
        raise NotOneJob(f"{name!r} names no job: give its id, or four or more digits in a row of it.") from None
    if len(found) == 1:
        return found[0].refresh()
    if not found:
        raise NotOneJob(
            f"No job has {name!r} in its id. Only your newest 100,000 jobs are found by a part of their id. An older "
            "one is found by its whole id, by its first twelve digits, and with a time: "
            f"bureau jobs --id {name} --before 30d"
        )
    ids = "".join(f"\n  {job.id}  {job.state}  {job.title}" for job in found[:_SHOWN])
    more = "\n  …" if len(found) > _SHOWN else ""
    raise NotOneJob(f"Several jobs have {name!r} in their ids; give more of it:{ids}{more}")


def is_id(name: str) -> bool:
    """Tells whether a text is a whole id."""
    try:
        UUID(name)
    except ValueError:
        return False
    return True
