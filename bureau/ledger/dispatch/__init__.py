"""Holds how tasks reach workers: hints, queues, live workers and concurrency slots."""
