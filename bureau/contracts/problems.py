"""Defines problem documents (RFC 9457), which report all validation errors of a request at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

# An answer lists at most this many. To look for all of them would let a small request cost much time and a long answer.
MAX_ERRORS = 50
NO_SERVICE = "no_service"  # the code of an error that a service, not the request, has to mend


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
    """Returns the first `MAX_ERRORS + 1` errors of all lists; the extra one shows that there are more than are listed.

    It reads no further, so an iterator that finds errors while it is read stops looking.
    """
    return list(islice((error for listed in errors for error in listed), MAX_ERRORS + 1))


class ProblemError(Exception):
    """Refuses a request; the HTTP layer answers with its `problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem
