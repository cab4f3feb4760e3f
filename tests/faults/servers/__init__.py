"""Faults of what Bureau stands on: databases, brokers, providers, disks and clocks."""
