"""Brings the gateway's schedules to what the project declares, and remembers which of them are the project's.

Each schedule is written down before it is put and forgotten after it is deleted. So a command that dies anywhere leaves
no schedule that the next one does not know; putting or deleting a schedule twice does no harm.
"""

from collections.abc import Iterator

from bureau.client import Bureau
from bureau.client.shapes import ScheduleData
from bureau.django.models import AppliedSchedule
from bureau.django.operating.schedule_plan import Act, Step
from bureau.django.outbox import database


def applied() -> dict[str, str]:
    """Returns the digest of each schedule that the project has put, by its name, empty if it may not be there."""
    return dict(AppliedSchedule.objects.using(database()).order_by("name").values_list("name", "digest"))


def apply(client: Bureau, steps: list[Step], existing: dict[str, ScheduleData]) -> Iterator[tuple[Step, ScheduleData]]:
    """Does the steps one by one and yields each with the schedule; with the last state of one that is deleted.

    Raises `BureauError`; the steps before it are done.
    """
    rows = AppliedSchedule.objects.using(database())
    for step in steps:
        match step.act:
            case Act.CREATE | Act.REPLACE:
                rows.get_or_create(name=step.name, defaults={"digest": ""})
                put = client.put_schedule(step.name, **step.body)
                rows.filter(name=step.name).update(digest=step.digest)
                yield step, put
            case Act.DELETE:
                if step.name in existing:
                    client.delete_schedule(step.name)
                rows.filter(name=step.name).delete()
                if step.name in existing:
                    yield step, existing[step.name]
            case Act.KEEP | Act.REFUSE:
                yield step, existing[step.name]
