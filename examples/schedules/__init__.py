"""Holds schedules in a file, and two custom tasks for them."""
