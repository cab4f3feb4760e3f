"""Calls the event webhook as SendGrid would."""

import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@dataclass(frozen=True)
class SigningKey:
    """Holds SendGrid's half of the key pair; `shown` is the public half as SendGrid's page shows it."""

    private: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    @property
    def shown(self) -> str:
        der = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(der).decode()

    def sign(self, timestamp: str, raw: bytes) -> str:
        return base64.b64encode(self.private.sign(timestamp.encode() + raw, ECDSA(SHA256()))).decode()

    def request(self, *told: dict[str, Any], at: float | None = None) -> dict[str, Any]:
        """Content and headers of the POST with these events."""
        raw = json.dumps(told).encode() + b"\r\n"
        timestamp = str(int(time.time() if at is None else at))
        return {
            "content": raw,
            "headers": {
                "Content-Type": "application/json",
                "X-Twilio-Email-Event-Webhook-Signature": self.sign(timestamp, raw),
                "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
            },
        }


def event(task: UUID | str, n: int = 1, **change: Any) -> dict[str, Any]:
    """One event, as of a mail to ada@example.com that was delivered."""
    return {
        "email": "ada@example.com",
        "timestamp": 1_700_000_000,
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "event": "delivered",
        "sg_event_id": uuid4().hex,
        "sg_message_id": "14c5d75ce93.filter0001",
        "bureau_job": str(uuid4()),
        "bureau_task": str(task),
        "bureau_try": str(n),
        **change,
    }
