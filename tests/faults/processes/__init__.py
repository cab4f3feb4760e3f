"""Faults of Bureau's own processes: killed, stopped, frozen, silent."""
