"""Holds what runs all of Bureau in the process of a test: the process, its client and its outbox, without pytest."""
