"""Tests of keys, idempotency, quotas and links."""
