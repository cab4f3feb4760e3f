"""Holds structured logging, and the record that a process writes when it starts."""
