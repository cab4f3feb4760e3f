"""Holds the parts of the fault suite: Bureau under supervisord, its load, its faults, and the audit afterwards."""
