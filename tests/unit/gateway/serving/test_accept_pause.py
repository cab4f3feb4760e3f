"""The pause before a process accepts: the fewer connections it has, the sooner it asks for the next one."""

from bureau.services.gateway.draining import ACCEPT_SECONDS, accept_pause


def test_a_process_without_connections_accepts_at_once() -> None:
    assert accept_pause(0) == 0


def test_each_connection_makes_the_next_one_wait_longer() -> None:
    pauses = [accept_pause(connections) for connections in range(1001)]
    assert pauses == sorted(set(pauses))
    assert pauses[-1] < ACCEPT_SECONDS, "nobody waits longer, however many connections there are"
