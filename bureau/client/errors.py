"""What can go wrong with a request, each a type of its own. None of them holds the key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class BureauError(Exception):
    """Anything this client raises, besides mistakes of its caller (TypeError, ValueError, OSError)."""


class Unreachable(BureauError):
    """No answer came, or one that is not Bureau's, however often the request was repeated."""


@dataclass(frozen=True)
class FieldError:
    """One mistake of a request; `where` is a JSON pointer into the body, or names a parameter or header."""

    where: str
    code: str
    detail: str


class Problem(BureauError):
    """The gateway's refusal (RFC 9457).

    `slug` is the end of its type and never changes: compare that. `errors` lists all that is wrong at once.
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
    """Of an `application/problem+json` body. What it lacks is left empty: a proxy may have written it."""
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
    """The connection broke in the middle of an answer. It stays inside this package: another connection goes on."""


class NotInTime(BureauError, TimeoutError):
    """The job did not end in the time it was waited for. It goes on."""


class NoSuchTask(BureauError, LookupError):
    """The job has no task of this name."""


class NoSuchArtifact(BureauError, LookupError):
    """The job has no file of this name."""


class Damaged(BureauError):
    """What arrived is not the file that was stored: its size or SHA-256 differs. Nothing was left behind."""
