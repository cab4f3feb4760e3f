"""Tests of Bureau in one process."""
