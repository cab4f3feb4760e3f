"""Tests of the check of archives: what is refused, what people get instead, and what other programs read in it."""
