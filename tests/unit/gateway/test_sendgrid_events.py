"""SendGrid's signed events: what is checked, and what is read from a batch."""

import base64
import json
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bureau.contracts.mail.mail_events import MailEventKind, SuppressionReason
from bureau.services.gateway.providers.sendgrid import EventsRefused, check, events, public_key
from tests.support.sendgrid_events import SigningKey, event

KEY = SigningKey()
RAW = b'[{"event": "delivered"}]\r\n'


def _check(raw: bytes = RAW, *, now: float = 1_000.0, **change: str) -> None:
    given = {"signature": KEY.sign("1000", RAW), "timestamp": "1000", **change}
    check(public_key(KEY.shown), raw, now=now, window_seconds=600, **given)


def test_a_signed_batch_of_now_is_taken() -> None:
    _check()
    _check(now=1_600.0)
    _check(now=400.0)  # its clock may be ahead of ours


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"raw": RAW + b" "}, "does not fit"),
        ({"raw": RAW.strip()}, "does not fit"),  # the body as it came, with its last line break
        ({"timestamp": "1001"}, "does not fit"),
        ({"signature": SigningKey().sign("1000", RAW)}, "does not fit"),
        ({"signature": "AAAA"}, "does not fit"),
        ({"signature": "%%%"}, "does not fit"),
        ({"signature": ""}, "needs the headers"),
        ({"timestamp": ""}, "needs the headers"),
        ({"timestamp": "-5"}, "needs the headers"),
        ({"now": 1_601.0}, "signed 601 s ago"),
        ({"now": 399.0}, "signed -601 s ago"),
    ],
)
def test_any_other_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(EventsRefused, match=said):
        _check(**change)


def test_the_vendors_own_example_verifies() -> None:
    """From the tests of the vendor's libraries (sendgrid-nodejs, sendgrid-python)."""
    key = public_key(
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/"
        "1FwCM/QmGUhA=="
    )
    raw = b'{"category":"example_payload","event":"test_event","message_id":"message_id"}'
    signature = "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0="
    check(key, raw, signature=signature, timestamp="1588788367", now=1588788367.0, window_seconds=1)


def test_the_key_is_read_as_it_is_shown_and_as_pem() -> None:
    pem = KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert public_key(pem).public_numbers() == public_key(KEY.shown).public_numbers()
    for wrong in ("SG.key", base64.b64encode(b"x").decode(), ""):
        with pytest.raises(ValueError, match="verification key"):
            public_key(wrong)


@pytest.mark.parametrize(
    ("told", "kind", "suppress"),
    [
        ({"event": "processed"}, MailEventKind.PROCESSED, None),
        ({"event": "delivered"}, MailEventKind.DELIVERED, None),
        ({"event": "open"}, MailEventKind.DELIVERED, None),
        ({"event": "deferred", "response": "450 later"}, MailEventKind.DEFERRED, None),
        ({"event": "dropped", "reason": "Bounced Address"}, MailEventKind.DROPPED, None),
        ({"event": "bounce", "type": "bounce", "reason": "550"}, MailEventKind.BOUNCED, SuppressionReason.HARD_BOUNCE),
        ({"event": "bounce", "type": "blocked", "reason": "busy"}, MailEventKind.BOUNCED, None),
        ({"event": "spamreport"}, MailEventKind.COMPLAINED, SuppressionReason.COMPLAINT),
        ({"event": "unsubscribe"}, MailEventKind.DELIVERED, SuppressionReason.UNSUBSCRIBED),
    ],
)
def test_an_event_is_read(told: dict[str, Any], kind: MailEventKind, suppress: SuppressionReason | None) -> None:
    task = uuid4()
    (read,) = events(json.dumps([event(task, **told)]).encode())
    assert (read.kind, read.suppress, read.task_id, read.n, read.recipient) == (
        kind,
        suppress,
        task,
        1,
        "ada@example.com",
    )


@pytest.mark.parametrize(
    "change",
    [
        {"bureau_task": "x"},
        {"bureau_try": "first"},
        {"bureau_try": "0"},
        {"event": "group_resubscribe"},
        {"email": ""},
        {"email": "x" * 321},
        {"timestamp": "soon"},
        {"timestamp": 1e300},
    ],
)
def test_events_of_other_systems_are_skipped(change: dict[str, Any]) -> None:
    assert events(json.dumps([event(uuid4(), **change), 5, None, {}]).encode()) == []


def test_an_event_without_an_id_or_with_a_long_one_gets_one_that_stays() -> None:
    for given in ("", "x" * 200):
        told = event(uuid4(), sg_event_id=given)
        first, second = (events(json.dumps([told]).encode())[0].id for _ in range(2))
        assert first == second
        assert len(first) <= 100


@pytest.mark.parametrize("raw", [b"", b"{}", b"nothing", b"\xff"])
def test_a_body_that_is_not_a_batch_is_an_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        events(raw)
