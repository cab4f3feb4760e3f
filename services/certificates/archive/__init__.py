"""Checks a ZIP and copies its members to a new one: it is read in place, never extracted; no header is trusted."""
