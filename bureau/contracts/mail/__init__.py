"""Holds the shape of a mail: addresses, recipients, and the events that providers report."""
