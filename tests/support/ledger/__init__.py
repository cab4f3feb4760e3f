"""Ledgers for tests, and short names for what tests do to them."""
