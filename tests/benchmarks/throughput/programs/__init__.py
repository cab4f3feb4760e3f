"""This folder holds the programs that run beside both stacks: they must cost little and favour nobody."""
