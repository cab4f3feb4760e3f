"""Keeps the visits of a clinic for animals."""
