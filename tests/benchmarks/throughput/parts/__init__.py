"""Holds the parts that are measured, one per file; PARTS selects them."""
