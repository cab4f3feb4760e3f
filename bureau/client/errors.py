"""Defines the errors of the client, one type for each cause. No error holds the API key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class BureauError(Exception):
    """Serves as the base of the client's errors, except those of the caller (TypeError, ValueError, OSError)."""


class Unreachable(BureauError):
    """Says that no answer came, or that another server answered, in spite of all retries."""


@dataclass(frozen=True)
class FieldError:
    """Holds one validation error of a request.

    `where` is a JSON pointer into the body, or the name of a parameter or header. `code` never changes; `detail` is for
    people.
    """

    where: str
    code: str
    detail: str


class Problem(BureauError):
    """Holds an error answer of the gateway, a problem document (RFC 9457).

    `slug` is the end of its type and never changes, so compare that. `errors` lists all validation errors at once.
    """

    def __init__(
        self,
        status: int,
        slug: str,
        title: str,
        detail: str = "",
        errors: Sequence[FieldError] = (),
        *,
        retry_after_seconds: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(status, slug, title, detail)
        self.status = status
        self.slug = slug
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after_seconds = retry_after_seconds
        self.request_id = request_id

    def __str__(self) -> str:
        if not self.errors:
            return f"{self.title}: {self.detail}" if self.detail else self.title
        return "\n".join([f"{self.title}:", *(f"  {error.where}: {error.detail}" for error in self.errors)])


def problem_from(
    status: int, body: Mapping[str, Any], *, retry_after_seconds: float | None, request_id: str | None
) -> Problem:
    """Builds a `Problem` from an `application/problem+json` body.

    Missing fields become empty, because a proxy may have written the body.
    """
    return Problem(
        status,
        str(body.get("type", "")).rpartition("/")[2],
        str(body.get("title") or f"Status {status}"),
        str(body.get("detail") or ""),
        [_field_error(error) for error in body.get("errors") or ()],
        retry_after_seconds=retry_after_seconds,
        request_id=request_id,
    )


def _field_error(error: Mapping[str, Any]) -> FieldError:
    where = error.get("pointer") or error.get("parameter") or error.get("header") or ""
    return FieldError(str(where), str(error.get("code", "")), str(error.get("detail", "")))


class ConnectionLost(Exception):
    """The connection broke in the middle of an answer. It stays inside this package, which opens another connection."""


class NotInTime(BureauError, TimeoutError):
    """Says that the job did not end within the time that `wait` was given. The job continues."""


class NoSuchTask(BureauError, LookupError):
    """Says that the job has no task of this name."""


class NoSuchArtifact(BureauError, LookupError):
    """Says that the job has no file of this name, or several that match."""


class Damaged(BureauError):
    """Says that the downloaded file differs from the stored one in size or SHA-256. The download was deleted."""
