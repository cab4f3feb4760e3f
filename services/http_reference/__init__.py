"""Holds the command that writes docs/http-api.md from the routes: `python -m bureau.services.http_reference`."""
