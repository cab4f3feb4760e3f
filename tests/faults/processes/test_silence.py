"""Workers that fall silent: frozen and continued, deaf to a stop, killed by what they run; two schedulers at once."""

import os
import signal
from typing import Any

import pytest

from tests.support.faults.patience import LEASE, in_force
from tests.support.faults.rounds import World, hold, run_round
from tests.support.faults.strikes import in_turn, killed
from tests.support.faults.supervised import children
from tests.support.faults.table import measured
from tests.support.waiting import until

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
PAST_THE_LEASE_SECONDS = in_force(LEASE) * 1.7
CHAOS = {"work": 3, "join": 1, "file": 1}


@pytest.mark.parametrize(("program", "kinds"), [("chaos", CHAOS), ("mailer", {"email": 1})])
def test_a_worker_frozen_past_its_lease_and_continued(world: World, program: str, kinds: dict[str, int]) -> None:
    """Another one does its tasks meanwhile; what it brings afterwards is thrown away."""
    second = f"{program}2"

    def zombie(world: World) -> None:
        world.bureau.signal(program, signal.SIGSTOP)
        hold(PAST_THE_LEASE_SECONDS)
        world.bureau.signal(program, signal.SIGCONT)
        said = len(world.bureau.log(program))
        until(lambda: not_its_own(world.bureau.log(program)[said:]), 20, "it learns that its tasks are not its own")

    world.bureau.start(second)
    try:
        account = run_round(world, f"{program} frozen and continued", zombie, kinds=kinds, sees=["crashed", "expired"])
    finally:
        world.bureau.stop(second)
    assert not account.failed


def not_its_own(log: str) -> bool:
    return "a finish was discarded" in log or "lease_lost" in log


def test_two_schedulers_at_once(world: World) -> None:
    world.bureau.start("scheduler2")
    try:
        fault = in_turn(killed("chaos"), killed("certificates"))
        account = run_round(world, "two schedulers", fault, sees=["crashed", "expired"])
    finally:
        world.bureau.stop("scheduler2")
    assert not account.failed


def test_a_task_deaf_to_its_stop_makes_its_process_leave_and_is_tried_again(world: World) -> None:
    before = world.bureau.pid("chaos")
    unresponsive_task, beside = (submit(world, task) for task in (a_task("deaf"), a_task("work", number=1, seconds=60)))
    line = world.bureau.wait_for_line("chaos", "the process is not alive any more and exits", 60)
    assert "chaos.deaf was asked to stop (time_limit)" in line
    until(lambda: world.bureau.pid("chaos") != before, 60, "supervisor has started another")
    assert "exited: chaos (exit status 70" in world.bureau.supervisord.output()
    ended = world.bureau.api.succeeded(unresponsive_task, 120)
    assert ended["tasks"][0]["result"] == "heard"
    assert world.books.recorded([unresponsive_task["id"]]) == {"crashed": 1}
    world.bureau.api.succeeded(beside, 120)
    assert world.books.recorded([beside["id"]]) == {"handed_back": 1}


@pytest.mark.parametrize("seconds", [0.5, 45.0])
def test_a_poison_task_takes_no_innocent_one_with_it(world: World, seconds: float) -> None:
    """15 innocent ones beside it, all in the hands of the same worker whenever it dies."""
    innocent = [submit(world, a_task("work", number=number, seconds=seconds)) for number in range(7)]
    poison = submit(world, a_task("poison"))
    innocent += [submit(world, a_task("work", number=number, seconds=seconds)) for number in range(8)]
    error = world.bureau.api.failed(poison, 420)
    ended = [world.bureau.api.ended(job, 420) for job in innocent]
    crashes = [len(job["tasks"][0]["attempts"]) - 1 for job in ended]
    row = measured(f"poison beside 15 tasks of {seconds:g} s")
    row.rounds += 1
    row.jobs += 16
    row.hits += sum(crashes) + 5
    row.failed += sum(job["state"] != "succeeded" for job in ended)
    assert error["code"] == "worker_crashed"
    assert [job["state"] for job in ended] == ["succeeded"] * 15, crashes


def test_a_child_killed_takes_its_parent_along_and_both_come_back(world: World) -> None:
    parent, child = world.bureau.pid("reports"), world.bureau.child("reports")
    os.kill(child, signal.SIGKILL)
    until(lambda: world.bureau.pid("reports") != parent, 30, "supervisor has started another")
    assert not children(parent)
    job = world.bureau.api.submit("/v1/reports", json={"report": "numbers", "params": {"count": 3}})
    world.bureau.api.succeeded(job, 60)


def a_task(name: str, **given: Any) -> dict[str, Any]:
    return {"name": "only", "run": f"chaos.{name}", "input": given}


def submit(world: World, task: dict[str, Any]) -> dict[str, Any]:
    return world.bureau.api.run(task)
