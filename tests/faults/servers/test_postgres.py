"""PostgreSQL away, killed, and breaking connections off at COMMIT."""

import pytest

from tests.support.faults.rounds import World, run_round
from tests.support.faults.strikes import commits_cut, postgres_killed, postgres_stopped
from tests.support.servers.proxies.proxy import Cut

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def test_it_is_stopped_for_20_seconds_under_load(world: World) -> None:
    run_round(world, "PostgreSQL stopped 20 s", postgres_stopped(20), sees=["outage", "refused"])


def test_it_is_killed_and_started_again(world: World) -> None:
    run_round(world, "PostgreSQL killed", postgres_killed, sees=["outage"])


@pytest.mark.parametrize("cut", list(Cut))
def test_connections_are_lost_during_commit(world: World, cut: Cut) -> None:
    assert world.proxy is not None
    before = world.proxy.cuts
    fault = commits_cut(cut, 20)
    run_round(world, f"connection lost, {cut} COMMIT", fault, kinds={"certificates": 2, "report": 1}, sees=["outage"])
    assert world.proxy.cuts > before
