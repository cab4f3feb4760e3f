"""Turns data into the texts and drawings of the console. Nothing here reads the ledger."""
