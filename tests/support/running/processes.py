"""Starts real processes in tests, and leaves none behind."""

import ctypes
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Self
from uuid import uuid4

from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[3]

_MARK = "BUREAU_TEST_PROCESS"  # in the environment of all that a Process starts, however they daemonise
_PR_SET_PDEATHSIG = 1


class Process:
    """Runs a command in a session of its own, with its output in a file.

    Use it as a context manager, or end it with `stop` or `kill`. When pytest itself is killed, the kernel sends the
    command a SIGTERM.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        user: str | None = None,
    ) -> None:
        """`env` is added to this process's environment. `user` is switched to, with its groups; needs root."""
        self.command = [str(part) for part in command]
        self.log = log
        self._mark = uuid4().hex
        with log.open("ab") as output:
            self._child = (
                _lasting_thread()
                .submit(
                    subprocess.Popen,
                    self.command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **(env or {}), _MARK: self._mark},
                    cwd=cwd,
                    user=user,
                    group=user,
                    extra_groups=[] if user else None,
                    start_new_session=True,
                    preexec_fn=_end_with_parent(),
                )
                .result()
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    @property
    def returncode(self) -> int | None:
        return self._child.poll()

    def output(self) -> str:
        """What it wrote so far, stdout and stderr together."""
        return self.log.read_text("utf-8", "replace")

    def wait_for_line(self, text: str, seconds: float = 20.0) -> str:
        """The first line that holds `text`."""

        def lines() -> list[str]:
            found = [line for line in self.output().splitlines() if text in line]
            if not found:
                self._fail_if_ended(f"before it said {text!r}")
            return found

        return until(lines, seconds, lambda: f"{text!r} in the output of {self}")[0]

    def wait_for_http(self, url: str, seconds: float = 20.0) -> None:
        """Until `url` answers 200."""

        def answers() -> bool:
            self._fail_if_ended(f"before {url} answered")
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # the tests' own URLs
                return bool(answer.status == 200)

        until(answers, seconds, lambda: f"{url} of {self}", ignoring=(urllib.error.URLError, OSError))

    def wait_until(self, condition: Callable[[], object], seconds: float, message: str) -> None:
        """Until `condition` is true, failing at once when the command ends first."""

        def reached() -> bool:
            if condition():
                return True
            self._fail_if_ended(f"before {message}")
            return False

        until(reached, seconds, lambda: f"{message}: {self}")

    def wait(self, seconds: float = 20.0) -> int:
        """Its exit status, once it has ended by itself."""
        until(lambda: not self.running, seconds, lambda: f"the end of {self}")
        return self._child.returncode

    def stop(self, seconds: float = 20.0, sign: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to end and waits; its exit status. What it started must be gone too."""
        if self.running:
            self._child.send_signal(sign)
        status = self.wait(seconds)
        self.assert_no_child(seconds)
        return status

    def kill(self) -> None:
        """kill -9 for it and all it started, as a power cut would."""
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        until(lambda: not self._kill_children(), 20, lambda: f"the end of the children {self.children()} of {self}")

    def children(self) -> list[int]:
        """The processes alive that it started, directly or not, without itself."""
        return [pid for pid in _alive_with(f"{_MARK}={self._mark}") if pid != self._child.pid]

    def assert_no_child(self, seconds: float = 5.0) -> None:
        until(lambda: not self.children(), seconds, lambda: f"the end of the children {self.children()} of {self}")

    def _kill_children(self) -> list[int]:
        pids = self.children()
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return pids

    def _fail_if_ended(self, when: str) -> None:
        if not self.running:
            raise AssertionError(f"ended {when}: {self}")

    def __str__(self) -> str:
        tail = "\n".join(self.output().splitlines()[-40:])
        status = "running" if self.running else f"status {self._child.returncode}"
        return f"{' '.join(self.command)} ({status}), its output ends:\n{tail}"


@cache
def _lasting_thread() -> ThreadPoolExecutor:
    """Forks every command: the kernel sends its signal when the thread that forked ends, and a fault's thread does."""
    return ThreadPoolExecutor(1)


def _end_with_parent() -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)  # loaded here: the forked child must not import anything

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return prepare


def _alive_with(variable: str) -> list[int]:
    """Processes whose environment holds `variable`; zombies have none."""
    wanted = variable.encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environment = (folder / "environ").read_bytes()
            except OSError:  # it ended, or is another user's
                continue
            if wanted in environment.split(b"\0"):
                found.append(int(folder.name))
    return found
