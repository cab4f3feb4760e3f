"""Tests of what people read: jobs, tasks, events, lists."""
