"""RabbitMQ away, back, empty, breaking connections off, losing and doubling messages."""

import pytest

from tests.support.faults.rounds import World, run_round
from tests.support.faults.strikes import connections_closed, messages, rabbitmq_killed, rabbitmq_stopped, rabbitmq_wiped

PUBLISHERS = ("gateway", "scheduler", "chaos", "mailer", "certificates", "reports")

pytestmark = pytest.mark.timeout(900)


@pytest.mark.long
def test_it_is_stopped_for_20_seconds_under_load(world: World) -> None:
    run_round(world, "RabbitMQ stopped 20 s", rabbitmq_stopped(20), sees=["reconnect", "outage"])


@pytest.mark.long
def test_it_is_killed_and_started_again(world: World) -> None:
    run_round(world, "RabbitMQ killed", rabbitmq_killed, sees=["reconnect"])


@pytest.mark.long
def test_all_its_connections_are_closed_by_force_every_second_for_a_minute(world: World) -> None:
    fault = connections_closed(60)
    run_round(world, "RabbitMQ connections closed for 60 s", fault, jobs=1500, sees=["reconnect", "outage"])


def test_it_is_wiped(world: World) -> None:
    run_round(world, "RabbitMQ wiped", rabbitmq_wiped, sees=["reconnect"])


@pytest.mark.long
def test_every_message_is_published_twice(world: World) -> None:
    run_round(world, "every message twice", messages("double", 20, PUBLISHERS), sees=["doubled"])


@pytest.mark.long
def test_every_tenth_message_is_lost(world: World) -> None:
    run_round(world, "every tenth message lost", messages("drop 10", 20, PUBLISHERS), sees=["dropped", "lost hint"])
