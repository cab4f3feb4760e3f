"""Holds the tests of /v1/schedules."""
