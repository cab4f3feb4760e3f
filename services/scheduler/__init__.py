"""Holds the scheduler, which acts on time: due tasks, expired leases, lost hints, old files. Any number may run."""
