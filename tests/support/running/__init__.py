"""Bureau in processes, and how tests speak to it."""
