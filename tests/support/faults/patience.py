"""Sets how long the fault suite's Bureau waits before it takes work back, tries again or gives up.

`make faults` measures how long a recovery takes, so production's constants apply there. Elsewhere they are shorter in
the same proportions: a lease is renewed several times before it ends, a frozen transaction ends before its leases do,
and a mail's window closes before its intent is in doubt.
"""

import os
from pkgutil import resolve_name

ROUNDS = int(os.environ.get("ROUNDS", "0"))
SHORT: dict[str, float] = {
    "bureau.ledger.jobs.claim:LEASE_SECONDS": 8.0,
    "bureau.runtime.heartbeat:RENEW_SECONDS": 2.0,
    "bureau.ledger.db.database:FROZEN_MS": 5_000,
    "bureau.ledger.jobs.retry_policy:HINT_AGAIN_SECONDS": 8.0,
    "bureau.ledger.dispatch.workers:SEEN_SECONDS": 8.0,
    "bureau.runtime.reporter:SEEN_SECONDS": 2.5,
    "bureau.services.scheduler.scheduler:LOST_SECONDS": 2.0,
    "bureau.services.mailer.transports.base:BEGIN_WITHIN_SECONDS": 10.0,
    "bureau.services.mailer.transports.base:END_WITHIN_SECONDS": 30.0,
    "bureau.services.mailer.transports.circuit_breaker:OPEN_SECONDS": 2.0,
    "bureau.services.mailer.transports.circuit_breaker:OPEN_AT_MOST_SECONDS": 5.0,
    "bureau.services.mailer.delivery_policy:INTENT_SECONDS": 45.0,
}
CONSTANTS = {} if ROUNDS else SHORT
LEASE = "bureau.ledger.jobs.claim:LEASE_SECONDS"


def in_force(constant: str) -> float:
    """What a constant, as `module:NAME`, is in the processes of the suite."""
    return CONSTANTS[constant] if constant in CONSTANTS else float(resolve_name(constant))
