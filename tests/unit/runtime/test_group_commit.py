"""Group commit: who comes while a group is under way joins the next one, and each gets its own answer."""

import threading
from collections.abc import Sequence

import pytest

from bureau.ledger.db.database import LedgerUnavailable
from bureau.ledger.db.deferred import Deferred
from bureau.runtime import group_commit
from bureau.runtime.group_commit import GROUP_AT_MOST, GroupCommit, GroupCommitByKey
from tests.support.together import together
from tests.support.waiting import until


class Doubling:
    """Doubles numbers; what it is asked for waits until `go` is set."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.go = threading.Event()

    def __call__(self, numbers: Sequence[int]) -> list[int | Deferred]:
        self.groups.append(list(numbers))
        self.go.wait(10)
        return [2 * number if number else Deferred.LOCKED for number in numbers]


def test_those_who_come_meanwhile_share_the_next_group_and_each_gets_its_own_answer() -> None:
    act = Doubling()
    group = GroupCommit(act)
    answers: dict[int, int | Deferred] = {}
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


def test_an_answered_thread_does_not_wait_for_the_next_group() -> None:
    held, entered = threading.Event(), threading.Event()
    first_go, groups = threading.Event(), []

    def act(numbers: Sequence[int]) -> Sequence[int]:
        groups.append(list(numbers))
        if len(groups) == 1:
            first_go.wait(30)
        elif len(groups) == 3:
            entered.set()
            held.wait(30)
        return numbers

    group: GroupCommit[int, int] = GroupCommit(act, expected=lambda: 0)
    threads = {n: threading.Thread(target=group, args=(n,)) for n in range(1, GROUP_AT_MOST + 3)}
    threads[1].start()
    until(lambda: groups, 30, "the first is under way")
    for n in range(2, GROUP_AT_MOST + 3):
        threads[n].start()
    until(lambda: len(group._waiting) == GROUP_AT_MOST + 1, 30, "the others wait")
    first_go.set()
    assert entered.wait(30), "the third group is under way"
    for n in groups[1]:
        threads[n].join(30)
        assert not threads[n].is_alive(), "a member of the second group still waits"
    held.set()
    for thread in threads.values():
        thread.join(30)


def test_an_interrupted_thread_hands_the_lead_over() -> None:
    class Interrupted(BaseException):
        pass

    entered, go = threading.Event(), threading.Event()

    def act(numbers: Sequence[int]) -> Sequence[int]:
        if 1 in numbers:
            entered.set()
            go.wait(30)
            raise Interrupted
        return numbers

    group: GroupCommit[int, int] = GroupCommit(act)

    def first() -> None:
        with pytest.raises(Interrupted):
            group(1)

    answers: list[int | Deferred] = []
    leader = threading.Thread(target=first)
    leader.start()
    assert entered.wait(30)
    second = threading.Thread(target=lambda: answers.append(group(2)))
    second.start()
    until(lambda: len(group._waiting) == 1, 30, "the second waits")
    go.set()
    leader.join(30)
    second.join(30)
    assert answers == [2]
    assert group(3) == 3


def test_groups_are_bounded() -> None:
    act = Doubling()
    act.go.set()
    group = GroupCommit(act)
    assert sorted(one for one in together(120, lambda n: group(n + 1)) if isinstance(one, int)) == [
        2 * n for n in range(1, 121)
    ]
    assert max(len(one) for one in act.groups) <= GROUP_AT_MOST


def test_a_wish_that_the_group_defers_is_left_to_its_caller() -> None:
    act = Doubling()
    act.go.set()
    assert GroupCommit(act)(0) is Deferred.LOCKED


@pytest.mark.parametrize("error", [LedgerUnavailable("away"), ValueError("no column is that long")])
def test_a_failed_group_leaves_each_wish_to_its_caller(error: Exception) -> None:
    failing = [True]

    def act(numbers: Sequence[int]) -> Sequence[int]:
        if failing.pop():
            raise error
        return numbers

    group = GroupCommit(act)
    assert group(1) is Deferred.FAILED
    failing.append(False)
    assert group(2) == 2


def test_the_first_of_a_group_waits_a_moment_for_those_who_came_with_it_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_commit, "LINGER_SECONDS", 10.0)
    act = Doubling()
    act.go.set()
    group = GroupCommit(act, expected=lambda: 3)
    group._sizes.append(3)
    assert together(3, lambda n: group(n + 1)) == [2, 4, 6]
    assert [sorted(one) for one in act.groups] == [[1, 2, 3]]


def test_those_who_came_together_long_ago_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "TOGETHER_SECONDS", 0.0)
    act = Doubling()
    act.go.set()
    group = GroupCommit(act, linger_seconds=60.0)
    group._sizes.append(8)
    assert group(1) == 2


def test_a_caller_that_was_alone_before_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "LINGER_SECONDS", 60.0)
    act = Doubling()
    act.go.set()
    assert GroupCommit(act, expected=lambda: 8)(1) == 2


def test_one_who_came_alone_does_not_end_the_waiting_of_those_who_come_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_commit, "LINGER_SECONDS", 10.0)
    act, coming = Doubling(), [1]
    act.go.set()
    group = GroupCommit(act, expected=lambda: coming[0])
    group._sizes.append(3)
    assert group(7) == 14  # nobody else is expected
    coming[0] = 3
    assert together(3, lambda n: group(n + 1)) == [2, 4, 6]
    assert [sorted(one) for one in act.groups] == [[7], [1, 2, 3]]


def test_one_key_that_waits_holds_up_no_other() -> None:
    held, entered = threading.Event(), threading.Event()

    def act(wishes: Sequence[str]) -> Sequence[str]:
        if "held" in wishes:
            entered.set()
            held.wait(10)
        return wishes

    groups = GroupCommitByKey[str, str, str](act)
    waiting = threading.Thread(target=groups, args=("a", "held"))
    waiting.start()
    assert entered.wait(5)
    assert groups("b", "free") == "free"
    held.set()
    waiting.join(5)
    assert not groups._groups, "a key that nobody waits for is forgotten"
