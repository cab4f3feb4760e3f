"""Maps the answers of the certificates API to errors, in one place. Pure."""

import json
import math
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bureau.contracts.base import clean_text
from bureau.contracts.errors import (
    LOGIN_REFUSED_SECONDS,
    MAX_DETAILS,
    ErrorDetail,
    PermanentError,
    TaskError,
    TransientError,
)

MAX_ERROR_BODY_BYTES = 1024 * 1024  # a thousand errors of a roster, with their places
MAX_SHOWN_CHARACTERS = 2000
MAX_DETAIL_CHARACTERS = 300
MAX_RETRY_AFTER_SECONDS = 86_400.0

# 408 timed out, 425 too early, 429 too many; every 5xx is a failure of the API itself.
_TRANSIENT = frozenset({408, 425, 429})
_LOGIN_REFUSED = frozenset({401, 407})  # 403 refuses this request, whoever asks


def refusal(
    status: int, headers: Mapping[str, str], body: bytes, now: datetime, *, built_in: bool = False
) -> TaskError:
    """Returns the error for an answer that is not 2xx. `headers` are looked up in lower case; `body` may be cut.

    The built-in issuer is no API to its users, so its messages stand alone.
    """
    message, details = error_in(body)
    if built_in:
        what = message or f"The certificate issuer failed ({status})."
    else:
        what = f"The certificates API answered {status}" + (f": {message}" if message else ".")
    if status in _TRANSIENT or status >= 500:
        wait = retry_after(headers.get("retry-after"), now)
        return TransientError("certificates_api_unavailable", what, retry_after=wait)
    if status in _LOGIN_REFUSED:
        return TransientError(
            "certificates_api_login_refused",
            f"{what.rstrip('.')}. It refused the login: mend CERTIFICATES_API_TOKEN, CERTIFICATES_API_HEADERS "
            "or the user and password in CERTIFICATES_API.",
            retry_after=LOGIN_REFUSED_SECONDS,
        )
    if 300 <= status < 400:
        return PermanentError(
            "certificates_api_redirects",
            f"The certificates API answered {status}, a redirect, which is not followed. "
            "Set CERTIFICATES_API to the address that it leads to.",
        )
    return PermanentError("certificates_refused", what, details=details)


def not_a_zip(status: int, content_type: str | None, head: bytes) -> PermanentError:
    """Returns the error for a 2xx answer whose body is not a ZIP archive; `head` is its beginning."""
    kind = shown(content_type or "an unnamed type").split(";")[0][:80]
    begins = shown(head[:200].decode("utf-8", "replace"))[:60]
    detail = f", beginning “{begins}”" if begins else " and no body" if not head else ""
    return PermanentError(
        "certificates_not_a_zip",
        f"The certificates API answered {status} with {kind} instead of a ZIP archive{detail}. "
        "Check that CERTIFICATES_API is the address that takes the uploads.",
    )


def encoded(encoding: str) -> PermanentError:
    return PermanentError(
        "certificates_api_encoding",
        f"The certificates API sent its archive with Content-Encoding {shown(encoding)[:40]}, although the request "
        "asked for none; turn compression off for ZIP answers.",
    )


def too_large(limit_bytes: int) -> PermanentError:
    return PermanentError(
        "archive_too_large",
        f"The certificates API sent more than {limit_bytes:,} bytes, which is the most for an archive "
        "(CERTIFICATES_MAX_ARCHIVE_BYTES).",
    )


def error_in(body: bytes) -> tuple[str | None, list[ErrorDetail]]:
    """Returns the message in a JSON error, cleaned and cut, and its details.

    The error is `{"error": {"message": …, "details": […]}}` or a flatter relative of it.
    """
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None, []
    details: list[ErrorDetail] = []
    for key in ("error", "message", "detail", "title"):
        if isinstance(found, dict) and isinstance(found.get(key), dict | str):
            found = found[key]
            details = details or _details(found)
    return (shown(found) or None if isinstance(found, str) else None), details


def _details(error: Any) -> list[ErrorDetail]:
    listed = error.get("details") if isinstance(error, dict) else None
    return [
        ErrorDetail(
            message=shown(one["message"])[:MAX_DETAIL_CHARACTERS],
            file=shown(one["file"])[:MAX_DETAIL_CHARACTERS] if isinstance(one.get("file"), str) else None,
            line=one["line"] if type(one.get("line")) is int and 0 < one["line"] < 2**31 else None,
            column=shown(one["column"])[:MAX_DETAIL_CHARACTERS] if isinstance(one.get("column"), str) else None,
        )
        for one in (listed if isinstance(listed, list) else [])[:MAX_DETAILS]
        if isinstance(one, dict) and isinstance(one.get("message"), str)
    ]


def shown(text: str) -> str:
    """Returns `text` fit to be shown: no control characters but line ends, at most `MAX_SHOWN_CHARACTERS`."""
    kept = "".join(c if c == "\n" or unicodedata.category(c)[0] != "C" else " " for c in clean_text(text)).strip()
    return kept if len(kept) <= MAX_SHOWN_CHARACTERS else kept[: MAX_SHOWN_CHARACTERS - 1] + "…"


def retry_after(value: str | None, now: datetime) -> float | None:
    """Returns the seconds in a Retry-After header, which holds seconds or an HTTP date. None if it holds neither."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(value, now)
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


def _seconds_until(date: str, now: datetime) -> float:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return math.nan
    return (then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds()
