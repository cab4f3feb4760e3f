"""Holds the metrics, named by Prometheus' rules, one file for each concept. Importing one only defines its metrics.

No label has unbounded values: routes are templates, tasks and queues come from announcements of workers, statuses are
HTTP's own. docs/metrics.md explains each metric.
"""
