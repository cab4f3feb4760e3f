"""Measures what Celery's names over Bureau cost: a call in a view beside Celery's, and a job beside a bare one."""
