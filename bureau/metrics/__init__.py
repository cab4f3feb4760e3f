"""Metrics by Prometheus' naming rules, a file a concept. Importing one defines its metrics and does nothing else.

No label has unbounded values: routes are templates, tasks and queues come from what workers announced, statuses are
HTTP's own. docs/metrics.md says what each means.
"""
