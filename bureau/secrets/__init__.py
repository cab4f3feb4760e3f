"""Holds the reading of secrets from files, and their redaction from output."""
