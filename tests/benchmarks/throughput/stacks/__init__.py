"""The two stacks that are measured, and the servers they stand on."""
