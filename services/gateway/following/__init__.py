"""Follows events: one poller per process, shared by all of its event streams."""
