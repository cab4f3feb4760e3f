"""Reads secrets from files, and redacts them from output."""
