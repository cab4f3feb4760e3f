"""Tests that act at random and compare the ledger with a model."""
