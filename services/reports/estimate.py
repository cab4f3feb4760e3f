"""How many rows a report will have, as far as the source's planner knows."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """`rows` is what the planner expects; None where it says nothing."""

    rows: int | None

    def total(self, done: int) -> int | None:
        """The total to show beside `done` rows: a planner that was proved wrong is not believed any more."""
        return self.rows if self.rows is not None and done <= self.rows else None
