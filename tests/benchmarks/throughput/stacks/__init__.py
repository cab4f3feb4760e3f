"""Holds the two stacks that are measured, and the servers they use."""
