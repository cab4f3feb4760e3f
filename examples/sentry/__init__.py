"""Holds tasks whose errors are reported to Sentry, or to what speaks its protocol, by hooks."""
