"""Defines problem documents (RFC 9457), which report all validation errors of a request at once."""

from dataclasses import dataclass, field


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


class ProblemError(Exception):
    """Refuses a request; the HTTP layer answers with its `problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem
