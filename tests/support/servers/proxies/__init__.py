"""Proxies: one that breaks connections on purpose, one that strips a path as a reverse proxy does."""
