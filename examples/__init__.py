"""Examples: what a user of Bureau writes."""
