"""Estimates the rows of a report with the source's query planner."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """Holds the planner's estimate in `rows`; None if the planner gives none."""

    rows: int | None

    def total(self, done: int) -> int | None:
        """Returns the total to show beside `done` rows; None once more rows than estimated are written."""
        return self.rows if self.rows is not None and done <= self.rows else None
