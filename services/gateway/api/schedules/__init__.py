"""The resource /v1/schedules and its models."""
