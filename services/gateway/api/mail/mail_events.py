"""Serves POST /v1/mail/events/sendgrid: takes SendGrid's events about mails that it has accepted."""

import time
from typing import Any

import structlog

from bureau.ledger.mail import provider_events
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.problems import problem
from bureau.services.gateway.providers import sendgrid

log = structlog.get_logger(__name__)


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    settings = gateway.settings

    def take(call: Call[Nothing, Nothing]) -> Reply:
        key = settings.sendgrid_key
        if key is None:
            raise problem("not-found", "SENDGRID_EVENTS_KEY is not set: events from SendGrid are refused.")
        try:
            sendgrid.check(
                key,
                call.raw,
                signature=call.headers.get(sendgrid.SIGNATURE, ""),
                timestamp=call.headers.get(sendgrid.TIMESTAMP, ""),
                now=time.time(),
                window_seconds=settings.sendgrid_events_window_seconds,
            )
            events = sendgrid.events(call.raw)
        except sendgrid.EventsRefused as refusal:
            raise problem("signature-invalid", f"The events are refused: {refusal}.") from None
        except ValueError:
            raise problem("unreadable", "The body is not a JSON list of events.") from None
        fresh = provider_events.record(gateway.database, events)
        log.info("mail events", events=len(events), new=fresh)
        return Reply(204, None)

    return [
        Operation(
            name="take-sendgrid-events",
            method="POST",
            path="/v1/mail/events/sendgrid",
            view=take,
            summary="Receive the signed events of SendGrid's webhook",
            tag="Mail",
            role=None,
            answers=[Documented(204, "Stored, or stored before.")],
            problems=["signature-invalid", "not-found"],
            request_headers={
                sendgrid.SIGNATURE: "ECDSA over timestamp and raw body, DER in base64.",
                sendgrid.TIMESTAMP: "Seconds since 1970.",
            },
            raw=True,
        )
    ]
