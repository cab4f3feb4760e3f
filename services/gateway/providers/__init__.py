"""Reads the events of mail providers, each in its own format."""
