"""What an answer of the certificates API means. Pure: mapped once, here."""

import json
import math
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bureau.contracts.base import clean_text
from bureau.contracts.errors import PermanentError, TaskError, TransientError

MAX_ERROR_BODY_BYTES = 64 * 1024
MAX_SHOWN_CHARACTERS = 2000
MAX_RETRY_AFTER_SECONDS = 86_400.0

# 408 timed out, 425 too early, 429 too many; every 5xx is the API's own trouble.
_TRANSIENT = frozenset({408, 425, 429})


def refusal(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> TaskError:
    """The error for an answer that is not 2xx. `headers` are looked up in lower case, `body` is its beginning."""
    said = said_by(body)
    what = f"The certificates API answered {status}" + (f": {said}" if said else ".")
    if status in _TRANSIENT or status >= 500:
        wait = retry_after(headers.get("retry-after"), now)
        return TransientError("certificates_api_unavailable", what, retry_after=wait)
    if 300 <= status < 400:
        return PermanentError(
            "certificates_api_redirects",
            f"The certificates API answered {status}, a redirect, and these are not followed. "
            "Set CERTIFICATES_API to the address it leads to.",
        )
    return PermanentError("certificates_refused", what)


def not_a_zip(status: int, content_type: str | None, head: bytes) -> PermanentError:
    """The error for a 2xx answer whose body is no ZIP archive; `head` is its beginning."""
    kind = shown(content_type or "an unnamed type").split(";")[0][:80]
    begins = shown(head[:200].decode("utf-8", "replace"))[:60]
    detail = f", beginning “{begins}”" if begins else " and no body" if not head else ""
    return PermanentError(
        "certificates_not_a_zip",
        f"The certificates API answered {status} with {kind} in place of a ZIP archive{detail}. "
        "Check that CERTIFICATES_API is the address that takes the uploads.",
    )


def encoded(encoding: str) -> PermanentError:
    return PermanentError(
        "certificates_api_encoding",
        f"The certificates API sent its archive with Content-Encoding {shown(encoding)[:40]} though asked not to; "
        "turn compression off for ZIP answers.",
    )


def too_large(limit_bytes: int) -> PermanentError:
    return PermanentError(
        "archive_too_large",
        f"The certificates API sent more than the {limit_bytes:,} bytes an archive may have "
        "(CERTIFICATES_MAX_ARCHIVE_BYTES).",
    )


def said_by(body: bytes) -> str | None:
    """The message in a JSON error, cleaned and cut: `{"error": {"message": …}}` or a flatter relative of it."""
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    for key in ("error", "message", "detail", "title"):
        if isinstance(said, dict) and isinstance(said.get(key), dict | str):
            said = said[key]
    return shown(said) or None if isinstance(said, str) else None


def shown(text: str) -> str:
    """`text` fit to be shown: no control characters but line ends, at most `MAX_SHOWN_CHARACTERS`."""
    kept = "".join(c if c == "\n" or unicodedata.category(c)[0] != "C" else " " for c in clean_text(text)).strip()
    return kept if len(kept) <= MAX_SHOWN_CHARACTERS else kept[: MAX_SHOWN_CHARACTERS - 1] + "…"


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header, which holds seconds or an HTTP date; None where it holds neither."""
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
