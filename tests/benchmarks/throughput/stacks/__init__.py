"""This folder holds the two stacks that are measured, and the servers they stand on."""
