"""Queries for the API, the console and the metrics. Nothing here changes a row."""
