"""Tests of keys, roles, logins, limits and the audit."""
