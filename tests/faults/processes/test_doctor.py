"""Tests `python -m bureau.services.scheduler doctor` in real situations."""

import re
import subprocess
import sys

import pytest

from tests.support.faults.rounds import World
from tests.support.running.processes import ROOT
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(240)
ENDED_LEASES = "SELECT count(*) FROM tasks WHERE state = 'running' AND lease_until < now()"


def doctor(world: World, *acts: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "bureau.services.scheduler", "doctor", *acts]
    env = {name: value for name, value in world.bureau.env.items() if name not in ("FAILPOINTS", "PYTHONPATH")}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def test_all_is_well(world: World) -> None:
    world.bureau.serving()
    said = until(lambda: _well(world), 60, lambda: f"the doctor is content: {doctor(world)}")
    for queue in ("certificates", "chaos", "mailer", "reports"):
        assert f"{queue:<14} due 0" in said


def test_a_queue_has_no_worker(world: World) -> None:
    world.bureau.stop("reports")
    try:
        job = world.bureau.api.submit("/v1/reports", json={"report": "numbers", "params": {"count": 3}})
        status, said = doctor(world)
        assert status == 1
        assert re.search("! reports: [0-9]+ due, 0 running, and no live worker: start one.", said)
    finally:
        world.bureau.start("reports")
    world.bureau.api.succeeded(job, 90)


def test_rabbitmq_is_away(world: World) -> None:
    world.rabbitmq.stop()
    try:
        status, said = doctor(world)
    finally:
        world.rabbitmq.start()
    assert status == 1
    assert "! RabbitMQ does not answer" in said
    assert "submissions are accepted" in said
    world.bureau.serving()


def test_postgresql_is_away(world: World) -> None:
    world.postgres.stop()
    try:
        status, said = doctor(world)
    finally:
        world.postgres.start()
    assert status == 1
    assert "! The ledger does not answer" in said
    world.bureau.serving()


def test_it_publishes_hints_again_and_ends_leases(world: World) -> None:
    world.bureau.stop("scheduler")  # nobody else does it meanwhile
    try:
        job = world.bureau.api.run({"name": "only", "run": "chaos.work", "input": {"number": 1, "seconds": 90}})
        until(lambda: world.bureau.api.job(job["id"])["state"] == "running", 60, "it runs")
        world.bureau.kill("chaos")
        until(lambda: world.books.one(ENDED_LEASES), 90, "its lease ends")
        assert "1 leases expired" in doctor(world)[1]
        _, said = doctor(world, "expire-leases")
        assert "Requeued from workers that stopped renewing leases: 1 tasks." in said
        assert world.books.recorded([job["id"]]) == {"crashed": 1}
        _, said = doctor(world, "hint-again")
        assert "Hints to publish again:" in said
    finally:
        world.bureau.start("scheduler")
    world.bureau.api.client.post(f"/v1/jobs/{job['id']}/cancel")
    world.bureau.api.ended(job, 90)


def _well(world: World) -> str:
    """What it says when it is content; else nothing."""
    status, said = doctor(world)
    return said if status == 0 and "All is well." in said else ""
