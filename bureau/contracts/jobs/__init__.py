"""Holds the shape of a job: its tasks, their graph, their states, and references between their results."""
