"""Holds the resources below /v1/jobs, and /v1/tasks."""
