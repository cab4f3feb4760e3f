"""Tests of what a running task does with its context."""
