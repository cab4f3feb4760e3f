"""Holds the client of the certificates API: it is interruptible, and maps answers to typed errors."""
