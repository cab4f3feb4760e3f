"""Tests of Bureau as separate processes."""
