"""Tests of stored files and of the storage probe."""
