"""Holds results: of a task, of a group, of a task that was applied eagerly."""
