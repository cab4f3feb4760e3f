"""Holds the use of RabbitMQ: the broker, its consumer, and the relay that publishes hints."""
