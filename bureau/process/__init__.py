"""Holds what a process needs besides its work: signals, loops in the background, memory, outages."""
