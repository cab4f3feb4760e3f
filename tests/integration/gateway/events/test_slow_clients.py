"""Clients that are slower than what happens: a job's stream skips nothing, an owner's ends and begins again."""

from collections.abc import Callable

import pytest

from tests.integration.gateway.events.conftest import Served


def test_a_slow_client_has_everything_in_the_end(serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the hub brings is more than is held for it: it goes back to reading the ledger, and skips nothing."""
    monkeypatch.setattr("bureau.services.gateway.following.subscription.HELD", 10)
    served = serve()
    job_id = served.submit()
    with served.follow(job_id) as stream:
        for start in range(0, 600, 30):
            served.say(job_id, *(str(n) for n in range(start, start + 30)))
        served.end(job_id)
        stream.wait_for_end()
        assert stream.ids == [str(n) for n in range(1, 603)]


def test_an_owners_stream_that_cannot_keep_up_ends(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bureau.services.gateway.following.subscription.HELD", 10)
    served = serve()
    job_id = served.submit()
    with served.follow_all() as stream:
        served.say(job_id, *(str(n) for n in range(30)))
        stream.wait_for_end()
    with served.follow_all() as again:
        served.say(job_id, "again")
        again.wait_for(1)


def test_more_at_once_than_anybody_reads_ends_owners_streams(
    serve: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a night of a laptop: the gateway does not gather it all."""
    monkeypatch.setattr("bureau.services.gateway.following.hub.OWNER_EVENTS", 20)
    served = serve()
    with served.follow_all() as stream:
        served.say(served.submit(), *(str(n) for n in range(30)))
        stream.wait_for_end()
        assert stream.events == []
