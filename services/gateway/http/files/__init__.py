"""Sends stored files: ranges and Content-Disposition."""
