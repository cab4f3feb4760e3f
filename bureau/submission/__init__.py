"""From a job as somebody wrote it to a job for the ledger: what is announced, what is wrong, which policy applies.

The gateway uses it for submissions, the scheduler for schedules.
"""
