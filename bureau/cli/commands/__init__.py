"""Holds the commands of `bureau`, one file for each group of commands."""
