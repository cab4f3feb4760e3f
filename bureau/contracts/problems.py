"""Defines problem documents (RFC 9457), which report all validation errors of a request at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

MAX_ERRORS = 50  # so many are told; looking for all of them would let a small request cost much time and a long answer


@dataclass(frozen=True)
class FieldError:
    """Describes one validation error.

    `pointer` points into the body (`#/to/0`, RFC 6901); outside the body, `parameter` or `header` names the place.
    """

    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None


@dataclass(frozen=True)
class Problem:
    """Describes a refusal; `slug` names its type at `/problems/<slug>` and is never renamed."""

    status: int
    slug: str
    title: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)


def first_errors(*errors: Iterable[FieldError]) -> list[FieldError]:
    """The first errors of all lists, one more than are told, so that it can be said that there are more.

    What comes after them is not looked for, where the lists are made while they are read.
    """
    return list(islice((error for listed in errors for error in listed), MAX_ERRORS + 1))


class ProblemError(Exception):
    """Refuses a request; the HTTP layer answers with its `problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem
