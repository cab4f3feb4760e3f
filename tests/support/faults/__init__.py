"""What the fault suite stands on: Bureau under supervisord, its load, its faults, and the counting afterwards."""
