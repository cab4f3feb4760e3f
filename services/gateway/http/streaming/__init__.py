"""Holds what long answers need: server-sent events, and how a client that left is noticed."""
