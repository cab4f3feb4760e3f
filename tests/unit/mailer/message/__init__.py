"""Tests of addresses, headers, templates and messages."""
