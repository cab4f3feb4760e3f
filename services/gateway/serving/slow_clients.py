"""Limits how many threads of a server slow clients may hold."""

import threading
from collections import Counter


class SlowClients:
    """Admits connections whose clients send or read slowly: half of the threads at once, a quarter for one address."""

    def __init__(self, threads: int) -> None:
        self._at_most = max(1, threads // 2)
        self._each = max(1, threads // 4)
        self._lock = threading.Lock()
        self._addresses: dict[int, str] = {}  # by the identity of a connection

    def enter(self, connection: object, address: str) -> bool:
        """Returns whether a thread may serve this connection; it may until it leaves."""
        with self._lock:
            if len(self._addresses) >= self._at_most or Counter(self._addresses.values())[address] >= self._each:
                return False
            self._addresses[id(connection)] = address
            return True

    def leave(self, connection: object) -> None:
        if self.holds(connection):
            with self._lock:
                self._addresses.pop(id(connection), None)

    def holds(self, connection: object) -> bool:
        return id(connection) in self._addresses
