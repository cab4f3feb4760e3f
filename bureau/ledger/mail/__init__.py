"""Mail deliveries, what providers report about them, and suppressed addresses."""
