"""Tests of loops, buffers, commits, logs and messages of a process."""
