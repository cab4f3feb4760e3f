"""The scheduler: time. Due tasks, expired leases, lost hints, files to delete. Any number may run."""
