"""Turns requests for reports, e-mails and certificates into jobs; the gateway now, the scheduler by time."""
