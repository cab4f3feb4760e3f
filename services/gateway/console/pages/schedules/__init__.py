"""Holds the pages of schedules: their list, and the form that makes, changes and deletes one."""
