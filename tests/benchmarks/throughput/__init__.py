"""`make bench-throughput`: Bureau beside Flask, Celery, RabbitMQ and Redis, measured from outside. Read README.md."""
