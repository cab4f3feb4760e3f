"""Idempotency-Key: a request sent twice is done once. The ledger keeps the key; here it is held, kept or given back."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import structlog

from bureau.contracts.problems import ProblemError
from bureau.ledger.access import idempotency
from bureau.ledger.access.idempotency import Answer, KeyBusy, KeyReused, Reservation, ReservationLost, Scope
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.services.gateway.http.operation import Call, Operation, Reply
from bureau.services.gateway.problems import problem, try_again

log = structlog.get_logger(__name__)

REPLAYED = {"Idempotent-Replayed": "true"}


def once(db: Database, scope: Scope, fingerprint: str, operation: Operation[Any, Any], call: Call[Any, Any]) -> Reply:
    """The view for the first request with this key, the first answer again for those after it."""

    def replay(first: Answer) -> Reply:
        if operation.replay is None:
            raise TypeError(f"{operation.name} takes Idempotency-Key and declares no replay")
        return operation.replay(call, first)

    return reserved(
        db, scope, fingerprint, lambda held: cast("Reply", operation.view(replace(call, reservation=held))), replay
    )


def reserved(
    db: Database,
    scope: Scope,
    fingerprint: str,
    act: Callable[[Reservation], Reply],
    replay: Callable[[Answer], Reply],
) -> Reply:
    """`act` for the request that gets the key, `replay` for those after it. Raises 409 and 422 problems."""
    held = _reserve(db, scope, fingerprint)
    if isinstance(held, Answer):
        reply = replay(held)
        return replace(reply, headers={**reply.headers, **REPLAYED})
    try:
        return act(held)
    except ReservationLost:  # slower than a held key lives: another request has it now
        raise _busy() from None
    except BaseException:  # only a key without an answer is given back: safe where the answer to COMMIT was lost
        _release(db, held)
        raise


def _reserve(db: Database, scope: Scope, fingerprint: str) -> Reservation | Answer:
    try:
        return idempotency.reserve(db, scope, fingerprint)
    except KeyReused:
        raise problem("idempotency-key-reused", "This Idempotency-Key was used for another request.") from None
    except KeyBusy:
        raise _busy() from None


def _busy() -> ProblemError:
    detail = "A request with this Idempotency-Key is under way; ask again for its answer."
    return try_again("idempotency-key-busy", detail, seconds=1)


def _release(db: Database, held: Reservation) -> None:
    """Best effort: a key that is not given back frees itself after its holding time."""
    try:
        idempotency.release(db, held)
    except LedgerUnavailable:
        log.warning("idempotency key stays held for a while: the ledger is away")
