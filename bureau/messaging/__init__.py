"""RabbitMQ: the broker, and the relay that publishes hints."""
