"""Measures many slow calls in one process, beside Celery, and the issuer's speed: `make bench-certificates`."""
