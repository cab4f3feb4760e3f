"""Jobs of any shape, what goes wrong with them, and a reference that says how each of their tasks must end."""
