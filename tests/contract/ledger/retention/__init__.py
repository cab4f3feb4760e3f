"""Tests of what is deleted, when, and after a crash."""
