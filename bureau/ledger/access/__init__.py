"""Holds access control: keys, rate limits, quotas, ownership, idempotency keys, shared secrets, the audit log."""
