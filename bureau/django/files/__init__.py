"""Holds what moves files between a Django project and Bureau: into tasks, and from jobs into a FileField."""
