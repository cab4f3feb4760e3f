"""Holds the messages between the parts: jobs and graphs, task inputs and results, files, problems; no I/O."""
