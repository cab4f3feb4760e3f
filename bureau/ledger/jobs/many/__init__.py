"""Holds actions on many jobs: the filter that selects them, the counting, the act on each."""
