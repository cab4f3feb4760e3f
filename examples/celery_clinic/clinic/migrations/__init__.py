"""Holds the migrations of the clinic."""
