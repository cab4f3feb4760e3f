"""Group commit: who comes while a group is under way joins the next one, and each gets its own answer."""

import threading
from collections.abc import Sequence

import pytest

from bureau.ledger.db.database import LedgerUnavailable
from bureau.runtime.group_commit import GROUP_AT_MOST, GroupCommit
from tests.support.together import together
from tests.support.waiting import until


class Doubling:
    """Doubles numbers; what it is asked for waits until `go` is set."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.go = threading.Event()

    def __call__(self, numbers: Sequence[int]) -> list[int | None]:
        self.groups.append(list(numbers))
        self.go.wait(10)
        return [2 * number if number else None for number in numbers]


def test_those_who_come_meanwhile_share_the_next_group_and_each_gets_its_own_answer() -> None:
    act = Doubling()
    group = GroupCommit(act)
    answers: dict[int, int | None] = {}
    threads = [threading.Thread(target=lambda n=n: answers.update({n: group(n)})) for n in range(1, 6)]
    threads[0].start()
    until(lambda: act.groups, 5, "the first is under way")
    for thread in threads[1:]:
        thread.start()
    until(lambda: len(group._waiting) == 4, 5, "the others wait")
    act.go.set()
    for thread in threads:
        thread.join(5)
    assert answers == {n: 2 * n for n in range(1, 6)}
    assert [sorted(one) for one in act.groups] == [[1], [2, 3, 4, 5]]


def test_groups_are_bounded() -> None:
    act = Doubling()
    act.go.set()
    group = GroupCommit(act)
    assert sorted(filter(None, together(120, lambda n: group(n + 1)))) == [2 * n for n in range(1, 121)]
    assert max(len(one) for one in act.groups) <= GROUP_AT_MOST


def test_what_the_group_cannot_have_is_for_its_caller_alone() -> None:
    act = Doubling()
    act.go.set()
    assert GroupCommit(act)(0) is None


@pytest.mark.parametrize("error", [LedgerUnavailable("away"), ValueError("no column is that long")])
def test_where_the_group_fails_each_is_for_its_caller_alone_and_the_next_group_goes_on(error: Exception) -> None:
    failing = [True]

    def act(numbers: Sequence[int]) -> Sequence[int]:
        if failing.pop():
            raise error
        return numbers

    group = GroupCommit(act)
    assert group(1) is None
    failing.append(False)
    assert group(2) == 2
