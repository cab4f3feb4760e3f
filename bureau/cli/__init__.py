"""Holds the command `bureau`, with which operators and scripts use the HTTP API. docs/cli.md is its manual."""
