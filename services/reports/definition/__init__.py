"""Holds the reading of a report's definition: its header, parameters and query."""
