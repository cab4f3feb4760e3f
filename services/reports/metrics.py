"""Defines the metric of written rows."""

from prometheus_client import Counter

ROWS = Counter("bureau_report_rows", "Rows written to CSV files, by report of the catalog.", ["report"])
