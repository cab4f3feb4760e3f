"""Holds the claims of hints that have arrived and whose threads have not asked for them yet."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from bureau.ledger.db.deferred import Deferred
from bureau.ledger.jobs.claim import Claim, NotClaimable

Hinted = tuple[UUID, str]
Answer = Claim | NotClaimable | Deferred


@dataclass(frozen=True)
class EarlyAnswer:
    """Holds the answer to a hint, and when it was had (monotonic)."""

    answer: Answer
    had_at: float

    @property
    def age(self) -> float:
        return time.monotonic() - self.had_at


class EarlyClaims:
    """Keeps hints until they are claimed, and their answers until their threads come. Threads share it.

    Each hint has a thread on its way, because a consumer holds no more hints than its process has threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._foretold: deque[Hinted] = deque()
        self._answers: dict[Hinted, EarlyAnswer] = {}

    def foretell(self, hints: Sequence[Hinted]) -> None:
        with self._lock:
            self._foretold.extend(hints)

    def next(self, asked: Sequence[Hinted], at_most: int) -> list[Hinted]:
        """Takes the hints to be claimed beside those whose threads ask now; `at_most` threads are free for them."""
        with self._lock:
            found = [one for one in dict.fromkeys(self._foretold) if one not in asked and one not in self._answers]
            self._foretold.clear()
            return found[: max(0, at_most - len(asked) - len(self._answers))]

    def keep(self, hints: Sequence[Hinted], answers: Sequence[Answer]) -> None:
        now = time.monotonic()
        with self._lock:
            self._answers.update((hint, EarlyAnswer(answer, now)) for hint, answer in zip(hints, answers, strict=True))

    def __contains__(self, hint: Hinted) -> bool:
        return hint in self._answers

    def take(self, hint: Hinted) -> EarlyAnswer | None:
        """Takes what was answered to a hint; None if nothing was."""
        if not self._answers:
            return None
        with self._lock:
            return self._answers.pop(hint, None)

    def left(self) -> list[Claim]:
        """Takes all claims that are left."""
        with self._lock:
            answers, self._answers = self._answers, {}
        return [early.answer for early in answers.values() if isinstance(early.answer, Claim)]
