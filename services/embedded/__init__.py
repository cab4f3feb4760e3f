"""Holds the embedded process, which runs all services: its composition root, its command and its settings."""
