"""Holds the state machine of jobs and tasks: submit, claim, finish, leases, retries, cancel, and their events."""
