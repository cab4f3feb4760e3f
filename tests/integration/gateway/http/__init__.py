"""Tests of what holds for every route."""
