"""kill -9 at every place that matters; what restarts Bureau in production starts it again."""

import pytest

from tests.support.faults.rounds import World, run_round
from tests.support.faults.strikes import WORKER_POINTS, in_turn, killed, killed_at

# Mails that were being handed over when their worker died are waited for until their intent is 180 s old.
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
CHAOS = {"work": 3, "join": 1, "file": 1}


@pytest.mark.parametrize("point", WORKER_POINTS)
def test_a_worker_killed_at(world: World, point: str) -> None:
    run_round(
        world, f"worker killed, {point.replace('_', ' ')}", killed_at("chaos", point), kinds=CHAOS, sees=["restart"]
    )


@pytest.mark.parametrize("point", ["intents_written", "before_dot", "after_dot", "before_lone_ends"])
def test_the_mailer_killed_while_it_hands_mails_over(world: World, point: str) -> None:
    fault = killed_at("mailer", point)
    account = run_round(world, f"mailer killed, {point.replace('_', ' ')}", fault, kinds={"email": 1}, sees=["crashed"])
    assert account.unknown_mails > 0


@pytest.mark.parametrize("point", ["in_claim", "in_intents", "after_lone_ends"])
def test_the_mailer_killed_between_the_statements_of_a_group(world: World, point: str) -> None:
    """No mail is doubtful for it: its tasks are claimed again once their leases end, or their ends are written."""
    fault = killed_at("mailer", point)
    run_round(world, f"mailer killed, {point.replace('_', ' ')}", fault, kinds={"email": 1}, sees=["restart"])


def test_every_worker_killed_at_any_moment(world: World) -> None:
    fault = in_turn(*(killed(program) for program in ("chaos", "certificates", "reports", "mailer")))
    run_round(world, "every worker killed", fault, sees=["restart", "crashed"])


def test_the_gateway_killed_after_commit_before_publish(world: World) -> None:
    fault = in_turn(*[killed_at("gateway", "wake")] * 5)
    run_round(world, "gateway killed after commit", fault, sees=["refused"])


@pytest.mark.parametrize("point", ["in_group", "accepted"])
def test_the_gateway_killed_with_a_group_of_submissions(world: World, point: str) -> None:
    fault = in_turn(*[killed_at("gateway", point)] * 5)
    run_round(world, f"gateway killed, {point.replace('_', ' ')}", fault, sees=["refused"])


def test_the_gateway_killed_whole(world: World) -> None:
    run_round(world, "gateway killed", killed("gateway"), sees=["restart", "refused"])


@pytest.mark.parametrize("point", ["stamped", "published"])
def test_the_scheduler_killed_in_mid_batch(world: World, point: str) -> None:
    run_round(world, f"scheduler killed, {point}", killed_at("scheduler", point), sees=["restart", "lost hint"])


def test_the_scheduler_killed_while_it_takes_tasks_back(world: World) -> None:
    fault = in_turn(killed("chaos"), killed_at("scheduler", "taken_back"))
    run_round(world, "scheduler killed, taking back", fault, kinds=CHAOS, sees=["restart", "crashed"])
