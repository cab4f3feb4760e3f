"""Hints are looked up before they are claimed while most are stale, and only then."""

from bureau.messaging.stale_hints import AT_MOST, MANY, StaleHints


def stale_hints() -> StaleHints:
    return StaleHints(lambda task_ids: task_ids)


def test_a_few_stale_hints_among_good_ones_are_usual() -> None:
    hints = stale_hints()
    for _ in range(1000):
        hints.saw(stale=MANY // 2, good=0)
        hints.saw(stale=0, good=MANY // 2)
    assert not hints.many


def test_many_in_a_row_begin_the_looking_up_and_as_many_good_ones_end_it() -> None:
    hints = stale_hints()
    hints.saw(stale=MANY, good=0)
    assert hints.many
    hints.saw(stale=0, good=MANY - 1)
    assert hints.many
    hints.saw(stale=0, good=1)
    assert not hints.many


def test_a_long_flood_is_not_remembered_for_long() -> None:
    hints = stale_hints()
    hints.saw(stale=1_000_000, good=0)
    hints.saw(stale=0, good=AT_MOST)
    assert not hints.many
