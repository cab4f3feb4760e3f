"""Gunicorn's threaded worker, stopping without a connection reset.

Gunicorn's own stops accepting, keeps the listening socket open while the last requests run, and closes it at the end:
whoever connected meanwhile was taken by the kernel and is reset then, after up to the whole grace. Here what the kernel
took is answered, and the socket closes at once: who comes later is refused, and knows that nothing was sent.
"""

from typing import Any

from gunicorn.workers.gthread import ThreadWorker


class DrainingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """On SIGTERM; a reload leaves the socket open in the parent, for the workers that come after."""

    sockets: list[Any]

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                self._take_what_waits(listener)
                listener.close()
            self.sockets = []

    def _take_what_waits(self, listener: Any) -> None:
        before = -1
        while self.nr_conns != before:
            before = self.nr_conns
            self.accept(listener)
