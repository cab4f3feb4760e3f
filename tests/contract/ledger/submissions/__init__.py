"""Tests of submissions that are written together."""
