"""`bureau worker` with tasks of two services and one of Bureau's own, in one process."""

from collections.abc import Iterator

import pytest

from tests.support.running.stack import Stack


@pytest.fixture(scope="module")
def pairs(stack: Stack) -> Iterator[Stack]:
    stack.start("pairs")
    yield stack
    stack.kill("pairs")


def test_one_process_serves_several_services(pairs: Stack) -> None:
    api = pairs.api
    first = {"name": "first", "run": "pairs.first", "input": {"number": 2}}
    second = {
        "name": "second",
        "run": "others.second",
        "after": ["first"],
        "input": {"number": 3, "before": {"$result": "/first"}},
    }
    ended = api.succeeded(api.run(first, second))
    number, pid, same = ended["tasks"][1]["result"]
    assert (number, pid) == (5, same)
    live = [one for one in api.get("/v1/workers", params={"limit": 200})["items"] if one["live"]]
    assert {one["service"] for one in live if one["pid"] == pid} == {"pairs", "others", "reports"}


def test_it_stops_as_any_worker_does(pairs: Stack) -> None:
    assert pairs.stop("pairs") == {"pairs": 0}
    live = [one for one in pairs.api.get("/v1/workers", params={"limit": 200})["items"] if one["live"]]
    assert {one["service"] for one in live}.isdisjoint({"pairs", "others"})
