"""Everything in one process: what puts the services together, the command that runs it, and its settings."""
