"""Reads schedules of beat, and writes them as schedules of Bureau's."""
