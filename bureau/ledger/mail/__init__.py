"""Holds mail deliveries, the events that providers report about them, and suppressed addresses."""
