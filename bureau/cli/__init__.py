"""The command `bureau`: what operators and scripts do, over the HTTP API. docs/cli.md is its manual."""
