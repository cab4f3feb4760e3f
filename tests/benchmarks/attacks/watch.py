"""Watches a Bureau from the outside: the memory of its processes, and how long answers take."""

import http.client
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

WATCH_SECONDS = 0.02
ASK_SECONDS = 0.1


class Watch:
    """Remembers the most of each while the block runs.

    `megabytes` is the largest of one process of the gateway, `worker_megabytes` of one of the workers. Of the answers
    there are two, /healthz and the list of jobs, which needs a thread that others use too.
    """

    def __init__(self, port: int, gateway: int, workers: Iterable[int] = ()) -> None:
        self.megabytes = self.worker_megabytes = self.health_seconds = self.list_seconds = 0.0
        self._port, self._gateway, self._workers = port, gateway, list(workers)
        self._done = threading.Event()
        loops = (self._remember, self._ask_for_health, self._ask_for_jobs)
        self._threads = [threading.Thread(target=loop) for loop in loops]

    def __enter__(self) -> "Watch":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _remember(self) -> None:
        while not self._done.wait(WATCH_SECONDS):
            self.megabytes = max(self.megabytes, _largest([self._gateway]))
            self.worker_megabytes = max(self.worker_megabytes, _largest(self._workers))

    def _ask_for_health(self) -> None:
        while not self._done.wait(ASK_SECONDS):
            self.health_seconds = max(self.health_seconds, _seconds(lambda: answers(self._port, "/healthz")))

    def _ask_for_jobs(self) -> None:
        while not self._done.wait(ASK_SECONDS):
            self.list_seconds = max(self.list_seconds, _seconds(lambda: answers(self._port, "/v1/jobs?limit=1")))


def answers(port: int, path: str) -> bool:
    """Asks over a new connection, and returns whether the answer is 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _largest(pids: Iterable[int]) -> float:
    return max((_resident(one) for pid in pids for one in _with_children(pid)), default=0.0)


def _resident(pid: int) -> float:
    """Returns the resident megabytes of a process."""
    with suppress(OSError):
        found = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
        return int(found[0].split()[1]) / 1024 if found else 0.0
    return 0.0


def _with_children(pid: int) -> list[int]:
    found = [pid]
    with suppress(OSError):
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
            found += _with_children(child)
    return found
