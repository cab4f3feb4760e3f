"""Tests of the gateway as a process of its own."""
