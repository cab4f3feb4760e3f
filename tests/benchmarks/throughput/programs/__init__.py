"""Programs that run beside both stacks, each a process of its own: they must cost little and favour nobody."""
