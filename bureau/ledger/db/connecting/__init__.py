"""Opens connections to the database: their sessions, and which failures are outages."""
