"""Tests of what the author of a task writes."""
