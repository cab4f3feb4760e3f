"""Reads a report's definition: the header, its parameters, the query."""
