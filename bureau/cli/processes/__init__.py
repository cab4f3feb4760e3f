"""Holds the commands that become a process of Bureau's on this machine and ask no gateway."""
