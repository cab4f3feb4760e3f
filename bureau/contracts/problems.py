"""Problems: what was wrong with a request, all of it at once (RFC 9457)."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class FieldError:
    """One mistake. `pointer` points into the body (`#/to/0`, RFC 6901); outside it `parameter` or `header`."""

    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None


@dataclass(frozen=True)
class Problem:
    """A refusal; `slug` names its type at `/problems/<slug>` and is never renamed."""

    status: int
    slug: str
    title: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)


class ProblemError(Exception):
    """Raised where a request is refused; the HTTP layer answers with its `problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem
