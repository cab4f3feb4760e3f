"""Holds the benchmarks, which are never tests: each prints ratios against a baseline measured in the same run."""
