"""`make bench-throughput` measures Bureau beside Flask, Celery, RabbitMQ and Redis, from outside. Read README.md."""
