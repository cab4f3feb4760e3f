"""Keeps requests between socket and thread: a request that has not arrived holds no thread."""
