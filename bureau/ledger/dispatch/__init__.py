"""How tasks reach workers: hints, queues, the workers that are alive, concurrency slots."""
