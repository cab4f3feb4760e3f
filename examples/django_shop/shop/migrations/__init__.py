"""Holds the migrations of the shop."""
