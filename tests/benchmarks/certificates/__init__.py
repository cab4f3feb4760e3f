"""`make bench-certificates`: many slow calls in one process, beside Celery; and how fast the issuer is."""
