"""An application with an outbox in its own database, beside a Bureau in one process."""
