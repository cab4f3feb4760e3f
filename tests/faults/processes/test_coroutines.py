"""kill -9 and SIGTERM with a thousand coroutines in one process: all run again, and each counts once."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.faults.rounds import World
from tests.support.waiting import until

NAPS = 1000
GRACE_SECONDS = 5.0  # as in conftest's settings
FIRES_WITHIN_SECONDS = 60.0
ENDS_WITHIN_SECONDS = 180.0
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture
def napping(world: World) -> Iterator[World]:
    world.bureau.start("naps")
    world.bureau.serving(["naps"])
    yield world
    world.bureau.failpoints.disarm_all()
    world.bureau.stop("naps")


@pytest.mark.parametrize("point", ["in_claim", "group_claimed", "before_group_finish", "in_finish", "group_finished"])
def test_a_process_killed_with_a_thousand_coroutines_loses_and_doubles_none(napping: World, point: str) -> None:
    job = submit(napping, 2.0)
    napping.bureau.failpoints.arm("naps", point)
    resume(napping)
    until(lambda: not napping.bureau.failpoints.armed("naps", point), FIRES_WITHIN_SECONDS, f"it died at {point}")
    each_ended_once(napping, job)


def test_a_process_killed_while_all_sleep_runs_all_of_them_again(napping: World) -> None:
    job = submit(napping, 8.0)
    resume(napping)
    until(lambda: napping.books.running([job]) == NAPS, FIRES_WITHIN_SECONDS, "all sleep")
    napping.bureau.kill("naps")
    each_ended_once(napping, job)
    assert napping.books.recorded([job])["crashed"] == NAPS


def test_coroutines_that_outlast_the_grace_are_handed_back_and_not_counted(napping: World) -> None:
    job = submit(napping, 20.0)
    resume(napping)
    until(lambda: napping.books.running([job]) == NAPS, FIRES_WITHIN_SECONDS, "all sleep")
    napping.bureau.stop("naps")
    assert napping.bureau.info("naps")["exitstatus"] == 0
    assert napping.books.recorded([job]) == {"handed_back": NAPS}
    assert napping.books.running([job]) == 0
    napping.bureau.start("naps")
    each_ended_once(napping, job)
    assert napping.books.one("SELECT max(failures + crashes) FROM tasks WHERE job_id = %s::uuid", job) == 0


def submit(world: World, seconds: float) -> str:
    """Submits all naps while the queue is paused, so that they begin together; returns the job's id."""
    world.bureau.api.client.post("/v1/queues/naps/pause").raise_for_status()
    tasks = [
        {"name": f"nap{number}", "run": "naps.nap", "input": {"number": number, "seconds": seconds}}
        for number in range(NAPS)
    ]
    return str(world.bureau.api.submit("/v1/jobs", json={"tasks": tasks})["id"])


def resume(world: World) -> None:
    world.bureau.api.client.post("/v1/queues/naps/resume").raise_for_status()


def each_ended_once(world: World, job: str) -> None:
    until(
        lambda: world.books.unfinished([job]) == 0,
        ENDS_WITHIN_SECONDS,
        lambda: f"the end of the job: {world.books.open_tasks([job])}",
    )
    tasks = world.books.rows("SELECT id, state, result, input, claim_no FROM tasks WHERE job_id = %s::uuid", job)
    assert Counter(task["state"] for task in tasks) == {"succeeded": NAPS}
    assert all(task["result"] == task["input"]["number"] for task in tasks)
    lines = Counter(tuple(line.split()) for line in (world.bureau.folder / "naps").read_text().splitlines())
    ran = {task_id for task_id, _ in lines}
    assert not [task["id"] for task in tasks if str(task["id"]) not in ran], "each left its effect"
    assert max(lines.values()) == 1, "no claim ran twice"
    account = world.auditor.account([job])
    assert not account.doubled, account.doubled
    assert not account.lost, account.lost
