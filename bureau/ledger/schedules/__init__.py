"""Schedules, their ticks, and the jobs that ticks submit."""
