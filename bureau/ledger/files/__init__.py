"""The artifacts of jobs, and the probe of the storage that holds them."""
