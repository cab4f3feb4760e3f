"""Many faults in one round, as they come in life."""

import random

import pytest

from tests.support.faults.patience import LEASE, ROUNDS, in_force
from tests.support.faults.rounds import Fault, World, run_round
from tests.support.faults.strikes import (
    WORKER_POINTS,
    api_weather,
    commits_cut,
    connections_closed,
    frozen,
    in_turn,
    killed,
    killed_at,
    mail_weather,
    messages,
    perhaps,
    postgres_killed,
    postgres_stopped,
    rabbitmq_killed,
    rabbitmq_stopped,
    rabbitmq_wiped,
    together,
)
from tests.support.servers.proxies.proxy import Cut

PUBLISHERS = ("gateway", "scheduler", "chaos", "mailer")


def test_a_short_round(world: World) -> None:
    fault = together(
        killed_at("chaos", *WORKER_POINTS),
        in_turn(killed_at("gateway", "accepted"), killed_at("scheduler", "stamped")),
        in_turn(messages("drop 10", 5, PUBLISHERS), messages("double", 5, PUBLISHERS), connections_closed(5)),
        in_turn(commits_cut(Cut.AFTER, 8), commits_cut(Cut.BEFORE, 8)),
        mail_weather(10, seed=1),
        api_weather(10, seed=2),
    )
    account = run_round(world, "mixed, short", fault, sees=["crashed", "restart", "reconnect", "retry"])
    assert not account.failed


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("number", range(max(ROUNDS, 1)))
def test_a_long_round(world: World, number: int) -> None:
    account = run_round(world, "mixed", _mixture(random.Random(number)), jobs=600, seed=number, sees=["crashed"])
    assert not account.failed


def _mixture(chosen: random.Random) -> Fault:
    """Processes killed, one of them frozen past its lease, servers away, messages lost and doubled, bad weather."""
    programs = ["chaos", "certificates", "reports", "mailer", "scheduler", "gateway"]
    servers = [rabbitmq_stopped(20), rabbitmq_killed, rabbitmq_wiped, postgres_stopped(20), postgres_killed]
    chosen.shuffle(programs)
    return together(
        in_turn(*(killed(program) for program in programs[:3])),
        perhaps(killed_at("chaos", *chosen.sample(WORKER_POINTS, 3))),
        frozen(programs[3], in_force(LEASE) * 1.5),
        in_turn(chosen.choice(servers), connections_closed(5), commits_cut(chosen.choice(list(Cut)), 10)),
        messages(chosen.choice(["double", "drop 10"]), 20, PUBLISHERS),
        mail_weather(20, chosen.randrange(1000)),
        api_weather(20, chosen.randrange(1000)),
    )
