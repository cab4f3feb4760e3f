"""Holds the resource /v1/schedules and its models."""
