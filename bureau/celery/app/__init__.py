"""Holds the app and the task, the classes that a project declares its tasks with."""
