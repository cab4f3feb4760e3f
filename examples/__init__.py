"""Holds examples of the code that a user of Bureau writes."""
