"""Tests of settings and their page."""
