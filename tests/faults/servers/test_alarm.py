"""RabbitMQ's memory alarm: the gateway keeps accepting, publishers wait, nothing spins, and then everything ends."""

from pathlib import Path

import pytest

from tests.support.faults.load import Load
from tests.support.faults.patience import ROUNDS
from tests.support.faults.rounds import World, hold
from tests.support.faults.supervised import children
from tests.support.waiting import until

ALARM_SECONDS = 15.0 if ROUNDS else 8.0
IDLE_CPU_SECONDS = 0.27 * ALARM_SECONDS  # of all the processes that publish, together, in that time
pytestmark = pytest.mark.timeout(240)
TICKS_PER_SECOND = 100


def cpu_seconds(pids: list[int]) -> float:
    """User and system time, so far, of the processes."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_SECOND


def test_a_memory_alarm_makes_publishers_wait_and_nothing_spin(world: World) -> None:
    load = Load(world.bureau.api.url)
    world.rabbitmq.ctl("set_vm_memory_high_watermark", "absolute", "1")
    try:
        load.submit(["work", "email", "file", "work"] * 20, seconds=0.1)
        assert load.refused == 0, "every submission was accepted while the alarm was on"
        until(lambda: "RabbitMQ blocks publishers" in world.bureau.logs(), 30, "the alarm is said once in a log")
        programs = [world.bureau.pid(program) for program in ("gateway", "scheduler", "chaos", "mailer")]
        publishing = [pid for program in programs for pid in (program, *children(program))]
        before = cpu_seconds(publishing)
        hold(ALARM_SECONDS)
        assert cpu_seconds(publishing) - before < IDLE_CPU_SECONDS
    finally:
        world.rabbitmq.ctl("set_vm_memory_high_watermark", "0.4")
    until(lambda: not world.books.unfinished(load.job_ids), 120, lambda: str(world.books.open_tasks(load.job_ids)))
    assert len(load.job_ids) == 80
