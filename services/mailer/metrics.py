"""Defines the metric that counts delivery attempts by outcome."""

from prometheus_client import Counter

MAILS = Counter(
    "bureau_mails", "Attempts to hand a mail over: sent, deferred, refused or unknown.", ["transport", "outcome"]
)
