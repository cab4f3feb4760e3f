"""The way to the certificates API: one client, interruptible, its answers mapped to typed errors."""
