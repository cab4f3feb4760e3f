"""Holds jobs of any shape, their faults, and a reference that says how each of their tasks must end."""
