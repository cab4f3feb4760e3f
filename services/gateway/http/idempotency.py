"""Implements Idempotency-Key, so that a request sent twice is done once.

The ledger stores the key; this module reserves it, keeps it or releases it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from bureau.contracts.problems import ProblemError
from bureau.ledger.access import idempotency
from bureau.ledger.access.idempotency import Answer, KeyBusy, KeyReused, Reservation, ReservationLost, Scope
from bureau.services.gateway.held_keys import HeldKeys
from bureau.services.gateway.http.operation import Call, Operation, Reply
from bureau.services.gateway.problems import problem, try_again

REPLAYED = {"Idempotent-Replayed": "true"}


def once(keys: HeldKeys, scope: Scope, fingerprint: str, operation: Operation[Any, Any], call: Call[Any, Any]) -> Reply:
    """Runs the view for the first request with this key, and replays the first answer for later ones."""

    def replay(first: Answer) -> Reply:
        if operation.replay is None:
            raise TypeError(f"{operation.name} takes Idempotency-Key and declares no replay")
        return operation.replay(call, first)

    return reserved(
        keys, scope, fingerprint, lambda held: cast("Reply", operation.view(replace(call, reservation=held))), replay
    )


def reserved(
    keys: HeldKeys,
    scope: Scope,
    fingerprint: str,
    act: Callable[[Reservation], Reply],
    replay: Callable[[Answer], Reply],
) -> Reply:
    """Calls `act` for the request that gets the key, and `replay` for later ones. Raises 409 and 422 problems."""
    held = _reserve(keys, scope, fingerprint)
    if isinstance(held, Answer):
        reply = replay(held)
        return replace(reply, headers={**reply.headers, **REPLAYED})
    try:
        return act(held)
    except ReservationLost:  # it took longer than a reservation lasts, and another request has the key now
        raise _busy() from None
    except BaseException:
        # Only a key without an answer is released, so this is safe even if the reply to COMMIT was lost.
        keys.release(held)
        raise


def _reserve(keys: HeldKeys, scope: Scope, fingerprint: str) -> Reservation | Answer:
    try:
        return idempotency.reserve(keys.database, scope, fingerprint)
    except KeyReused:
        raise problem("idempotency-key-reused", "This Idempotency-Key was used for another request.") from None
    except KeyBusy:
        raise _busy() from None


def _busy() -> ProblemError:
    detail = "A request with this Idempotency-Key is still being processed; send it again to get its answer."
    return try_again("idempotency-key-busy", detail, seconds=1)
