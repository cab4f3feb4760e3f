"""Holds the migrations of the outbox."""
