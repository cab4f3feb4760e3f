"""Holds the programs that run beside both stacks: they must cost little and favour neither."""
