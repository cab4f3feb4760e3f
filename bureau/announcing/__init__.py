"""Holds the deploy step that announces tasks, reports and templates without a worker: `bureau announce`."""
