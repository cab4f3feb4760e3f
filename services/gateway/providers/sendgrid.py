"""Reads SendGrid's event webhook: signed batches of delivery events.

See https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event. The cryptography package is imported
where it is used, because it takes 8 MB and most gateways have no SendGrid key.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from bureau.contracts.base import clean_text
from bureau.contracts.mail.addresses import folded
from bureau.contracts.mail.mail_events import MailEvent, MailEventKind, SuppressionReason

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"

_TIMESTAMP = re.compile(r"^[0-9]{1,12}$")
_ID = 100
_REASON = 500
_KINDS = {
    "processed": MailEventKind.PROCESSED,
    "deferred": MailEventKind.DEFERRED,
    "delivered": MailEventKind.DELIVERED,
    "dropped": MailEventKind.DROPPED,
    "bounce": MailEventKind.BOUNCED,
    "spamreport": MailEventKind.COMPLAINED,
    # The recipient read the mail, so it was delivered; the batch that said so may have been lost.
    "open": MailEventKind.DELIVERED,
    "click": MailEventKind.DELIVERED,
    "unsubscribe": MailEventKind.DELIVERED,
}


class EventsRefused(Exception):
    """Reports a batch that SendGrid did not sign, or signed outside the time window; the text says what is wrong."""


def public_key(text: str) -> "EllipticCurvePublicKey":
    """Returns the verification key from the text that SendGrid shows: DER in base64, with or without PEM's lines.

    Raises ValueError.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    body = "".join(line for line in text.split() if "-----" not in line and line not in ("BEGIN", "PUBLIC", "END"))
    try:
        key = load_der_public_key(base64.b64decode(body, validate=True))
    except (ValueError, binascii.Error):
        key = None
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("use the verification key as SendGrid shows it: MFkwEwYHKoZIzj0C…")
    return key


def check(
    key: "EllipticCurvePublicKey", raw: bytes, *, signature: str, timestamp: str, now: float, window_seconds: float
) -> None:
    """Verifies the signature, which is ECDSA with SHA-256 over timestamp and raw body, DER in base64.

    Raises `EventsRefused`.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    if not signature or not _TIMESTAMP.match(timestamp):
        raise EventsRefused(f"it needs the headers {SIGNATURE} and {TIMESTAMP}")
    try:
        key.verify(base64.b64decode(signature, validate=True), timestamp.encode("ascii") + raw, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        raise EventsRefused("the signature does not fit the body: check SENDGRID_EVENTS_KEY") from None
    if abs(now - float(timestamp)) > window_seconds:
        raise EventsRefused(
            f"it was signed {now - float(timestamp):.0f} s ago, but "
            f"SENDGRID_EVENTS_WINDOW_SECONDS is {window_seconds:.0f}"
        )


def events(raw: bytes) -> list[MailEvent]:
    """Returns the events about recipients of our mails; ignores the others. Raises ValueError."""
    try:
        batch = json.loads(raw)
    except RecursionError:
        raise ValueError("it nests too deep") from None
    if not isinstance(batch, list):
        raise ValueError("it is not a list of events")
    return list(_readable(batch))


def _readable(batch: list[Any]) -> Iterator[MailEvent]:
    for one in batch:
        if isinstance(one, dict) and (event := _event(one)) is not None:
            yield event


def _event(one: dict[str, Any]) -> MailEvent | None:
    kind = _KINDS.get(_text(one, "event"))
    recipient = folded(_text(one, "email").strip())
    try:
        task_id, n = UUID(_text(one, "bureau_task")), int(_text(one, "bureau_try"))
        at = datetime.fromtimestamp(float(one["timestamp"]), UTC)
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        return None  # not a mail of ours
    if kind is None or not 0 < len(recipient) <= 320 or not 0 < n < 1_000_000:
        return None
    reason = _text(one, "reason") or _text(one, "response") or None
    return MailEvent(
        id=_id(one),
        task_id=task_id,
        n=n,
        recipient=recipient,
        kind=kind,
        at=at,
        reason=" ".join(reason.split())[:_REASON] if reason else None,
        suppress=_suppress(one, kind),
    )


def _suppress(one: dict[str, Any], kind: MailEventKind) -> SuppressionReason | None:
    """Returns the reason to suppress the address.

    A bounce is about the address; a block is a temporary decision of the server.
    """
    if kind is MailEventKind.BOUNCED and _text(one, "type") in ("", "bounce"):
        return SuppressionReason.HARD_BOUNCE
    if kind is MailEventKind.COMPLAINED:
        return SuppressionReason.COMPLAINT
    if _text(one, "event") == "unsubscribe":
        return SuppressionReason.UNSUBSCRIBED
    return None


def _id(one: dict[str, Any]) -> str:
    """Returns SendGrid's event id, which SendGrid recommends for removing duplicates.

    For an event without an id, returns a hash of its content.
    """
    given = _text(one, "sg_event_id")
    if 0 < len(given) <= _ID - 3:
        return f"sg:{given}"
    identity = given or json.dumps(one, sort_keys=True)
    return f"sg:{hashlib.sha256(identity.encode()).hexdigest()}"


def _text(one: dict[str, Any], name: str) -> str:
    value = one.get(name)
    return clean_text(str(value)) if isinstance(value, str | int) else ""
