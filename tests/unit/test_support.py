"""The helpers that the other tests rely on."""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support import installing
from tests.support.installing import installed
from tests.support.processes import Process
from tests.support.waiting import until

# A command that starts a daemon (a session of its own), says both are up, and waits for SIGTERM.
WITH_DAEMON = """
import os, signal, subprocess, sys, time
daemon = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
def end(*_):
    if "tidy" in sys.argv:
        daemon.kill()
        daemon.wait()
    sys.exit(3)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(600)
"""


def start(log: Path, code: str, *args: str) -> Process:
    return Process([sys.executable, "-c", code, *args], log=log / "log")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_a_stopped_process_gives_its_status_and_leaves_no_child(tmp_path: Path) -> None:
    with start(tmp_path, WITH_DAEMON, "tidy") as process:
        assert process.wait_for_line("ready") == "ready"
        assert len(process.children()) == 1
        assert process.stop() == 3
    assert process.children() == []


def test_a_child_left_behind_is_noticed_and_killed(tmp_path: Path) -> None:
    with start(tmp_path, WITH_DAEMON) as process:
        process.wait_for_line("ready")
        (daemon,) = process.children()
        os.kill(process.pid, signal.SIGTERM)
        process.wait()
        with pytest.raises(AssertionError, match=str(daemon)):
            process.assert_no_child(seconds=0.1)
    until(lambda: not alive(daemon), 5, "the daemon's end")


def test_kill_ends_a_process_with_its_daemons(tmp_path: Path) -> None:
    process = start(tmp_path, WITH_DAEMON)
    process.wait_for_line("ready")
    family = [process.pid, *process.children()]
    process.kill()
    until(lambda: not any(alive(pid) for pid in family), 5, "the end of all")


def test_a_process_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    """The kernel would tell it to end: a server that a fault has started again must stay."""
    with ThreadPoolExecutor(1) as pool:
        process = pool.submit(start, tmp_path, WITH_DAEMON).result()
    with process:
        process.wait_for_line("ready")
        assert process.running


def test_waiting_for_a_line_ends_with_the_process_and_shows_its_output(tmp_path: Path) -> None:
    with (
        start(tmp_path, "print('no such table'); raise SystemExit(4)") as process,
        pytest.raises(AssertionError, match=r"(?s)before it said 'ready'.*status 4.*no such table"),
    ):
        process.wait_for_line("ready", seconds=20)


def test_until_gives_the_first_true_value() -> None:
    values = iter([0, "", None, 7])
    assert until(lambda: next(values), 5, "a value") == 7


def test_until_names_what_it_waited_for_and_what_was_in_the_way() -> None:
    def refused() -> bool:
        raise ConnectionRefusedError("port 1")

    with pytest.raises(AssertionError, match=r"0\.05 s in vain for: the server") as error:
        until(refused, 0.05, "the server", ignoring=ConnectionError)
    assert isinstance(error.value.__cause__, ConnectionRefusedError)


def test_an_installed_server_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "_install", lambda *_: pytest.fail("nothing is to be installed"))
    assert installed(lambda: Path("/usr/bin"), "postgresql", "DATABASE_URL") == Path("/usr/bin")


def test_a_missing_server_is_installed_where_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[str] = []
    monkeypatch.setattr(installing, "_as_root", lambda: ["sudo", "-n"])
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/apt-get")

    def install(root: list[str], package: str) -> bool:
        there.extend([*root, package])
        return True

    monkeypatch.setattr(installing, "_install", install)
    assert installed(lambda: there, "rabbitmq-server", "BROKER_URL") == ["sudo", "-n", "rabbitmq-server"]


def test_a_missing_server_that_may_not_be_installed_ends_the_tests_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(installing, "_as_root", lambda: None)
    with pytest.raises(pytest.exit.Exception, match=r"sudo apt install postgresql`, or set DATABASE_URL"):
        installed(lambda: None, "postgresql", "DATABASE_URL")
