"""Tests of schedules and their health."""
