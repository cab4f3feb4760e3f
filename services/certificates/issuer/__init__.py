"""Holds the built-in issuer, a WSGI app that makes a ZIP of PDF certificates from rosters like any certificates API."""
