"""What people see in a browser: the latest jobs, and what a problem means."""
