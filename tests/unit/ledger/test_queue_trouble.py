"""One rule says whether a queue is in trouble, for the API, the console, the command and the doctor."""

import pytest

from bureau.ledger.reads.queue_trouble import QueueTrouble, queue_trouble


@pytest.mark.parametrize(
    ("paused", "due", "running", "workers", "oldest", "trouble"),
    [
        (False, 0, 0, 1, 0.0, None),
        (False, 0, 0, 0, 0.0, None),  # nothing to do, nobody is needed
        (False, 5, 2, 1, 59.9, None),
        (True, 0, 0, 1, 0.0, QueueTrouble.PAUSED),
        (True, 9, 0, 0, 900.0, QueueTrouble.PAUSED),  # the pause is the cause
        (False, 1, 0, 0, 0.0, QueueTrouble.NO_WORKER),
        (False, 0, 1, 0, 0.0, QueueTrouble.NO_WORKER),  # its worker died
        (False, 1, 0, 1, 60.0, QueueTrouble.STALLED),
        (False, 1, 1, 1, 60.0, QueueTrouble.BEHIND),
    ],
)
def test_the_gravest_trouble_of_a_queue_is_named(
    *, paused: bool, due: int, running: int, workers: int, oldest: float, trouble: QueueTrouble | None
) -> None:
    found = queue_trouble(paused=paused, due=due, running=running, workers=workers, oldest_due_seconds=oldest)
    assert found is trouble
