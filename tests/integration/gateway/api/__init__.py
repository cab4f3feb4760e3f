"""Tests of the routes under /v1."""
