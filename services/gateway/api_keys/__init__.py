"""Defines the format of API keys, and reads the file that may hold them."""
