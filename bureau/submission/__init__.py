"""Turns a job as a client wrote it into a job for the ledger: catalog lookup, validation, retry policy.

The gateway uses it for submissions, the scheduler for schedules.
"""
