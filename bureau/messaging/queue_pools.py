"""Gives each queue of a process threads of its own: a queue whose tasks take long keeps no other one waiting.

Dramatiq's worker has one pool for all queues. Sixteen tasks of a minute would hold up every mail for a minute.
"""

import threading
from collections.abc import Callable
from queue import PriorityQueue
from typing import Any

from dramatiq.worker import Worker, _ConsumerThread, _WorkerThread

from bureau.messaging.broker import MemoryBroker


class PooledWorker(Worker):
    """Runs the messages of each queue in at most `threads` threads, which start when they are needed first.

    Most queues of a small installation are idle, and a thread that never starts costs no memory and no time.
    """

    def __init__(self, broker: MemoryBroker, *, threads: int, worker_timeout: int = 1000) -> None:
        super().__init__(broker, worker_threads=0, worker_timeout=worker_timeout)
        self.queue_prefetch = threads
        self._threads = threads
        self._growing = threading.Lock()
        self._stopping = False

    def stop(self, timeout: int = 600_000) -> None:
        """Waits until the running messages are done, at most `timeout` milliseconds. Waiting ones are left."""
        with self._growing:
            self._stopping = True
        super().stop(timeout)

    def _add_consumer(self, queue_name: str, *, delay: bool = False) -> None:
        """Starts the consumer of a queue, as Dramatiq calls it when a queue is declared. There are no delay queues."""
        if delay or queue_name in self.consumers:
            return
        consumer = self.consumers[queue_name] = _ConsumerThread(
            broker=self.broker,
            queue_name=queue_name,
            prefetch=self.queue_prefetch,
            work_queue=_Pool(self._threads, self._add_thread),
            worker_timeout=self.worker_timeout,
        )
        consumer.start()

    def _add_thread(self, pool: "_Pool") -> bool:
        """Starts one more thread for the pool, unless the worker stops."""
        with self._growing:
            if self._stopping:
                return False
            thread = _WorkerThread(
                broker=self.broker, consumers=self.consumers, work_queue=pool, worker_timeout=self.worker_timeout
            )
            thread.start()
            self.workers.append(thread)
            return True


class _Pool(PriorityQueue[Any]):
    """Holds what waits for the threads of one queue, and adds a thread while all of them are busy."""

    def __init__(self, at_most: int, add_thread: Callable[["_Pool"], bool]) -> None:
        super().__init__()
        self._at_most = at_most
        self._add_thread = add_thread
        self._started = 0

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Adds an item. Only the thread that consumes the queue calls it."""
        super().put(item, block, timeout)
        if self._started < min(self.unfinished_tasks, self._at_most):  # those that wait and those that run
            self._started += self._add_thread(self)
