"""Attacks on a running Bureau by few or small requests, and what they cost it: `make bench-attacks`."""
