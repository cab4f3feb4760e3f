"""Tests of hints, queues, workers and concurrency slots."""
