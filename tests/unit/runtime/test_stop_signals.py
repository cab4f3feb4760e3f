"""Tests that a process stops at a signal, whichever of its threads the kernel gave it to."""

import signal
import subprocess
import sys
import threading

import pytest

WAITS = """
import signal, sys, threading
from bureau.process.stop_signals import StopSignals

number = signal.Signals[sys.argv[1]]
stop_signals = StopSignals()

def receive():
    print("a thread takes it", flush=True)
    sys.stdin.readline()
    signal.pthread_kill(threading.get_ident(), number)

threading.Thread(target=receive, daemon=True).start()
stop_signals.wait()
print("it stops", flush=True)
signal.pause()
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_that_another_thread_gets_stops_the_process_and_a_second_one_ends_it(name: str) -> None:
    with subprocess.Popen([sys.executable, "-c", WAITS, name], stdin=-1, stdout=-1, text=True) as process:
        watchdog = threading.Timer(20, process.kill)
        watchdog.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "a thread takes it\n"
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "it stops\n"
            process.send_signal(signal.Signals[name])
            assert process.wait() == 1
        finally:
            watchdog.cancel()
            process.kill()
