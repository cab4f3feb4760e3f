"""Who may do what: keys, rate limits, quotas, ownership, idempotency keys, shared secrets, the audit log."""
