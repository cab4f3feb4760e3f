"""Memory that large work took is given back."""

import subprocess
import sys

from bureau.runtime.process_memory import LARGE_BYTES, Memory

# Texts too large for Python's own allocator, made and dropped in threads; a few small ones among them stay.
WORK = """
import threading
from bureau.process import malloc
from bureau.runtime.process_memory import resident_bytes
if {limited}:
    malloc.limit_arenas()
kept = []
def work():
    made = [bytes(2000) for _ in range(20_000)]
    kept.append(made[::500])
before = resident_bytes()
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
held = resident_bytes()
malloc.trim()
print(before, held, resident_bytes())
"""


def measured(*, limited: bool) -> tuple[int, int, int]:
    answer = subprocess.run([sys.executable, "-c", WORK.format(limited=limited)], check=True, capture_output=True)
    before, held, after = map(int, answer.stdout.split())
    return before, held, after


def test_freed_memory_is_returned_to_the_system() -> None:
    before, held, after = measured(limited=True)
    assert held - before > 50_000_000  # holes that only a trim gives back
    assert after - before < (held - before) / 3


def test_a_worker_trims_when_it_holds_much_more_than_before() -> None:
    held = iter([100, 100 + LARGE_BYTES, 101 + LARGE_BYTES, 200, 300])
    trimmed = []

    def trim() -> bool:
        trimmed.append(True)
        return True

    memory = Memory(lambda: next(held), trim)
    assert [memory.looked() for _ in range(4)] == [100, 100 + LARGE_BYTES, 200, 300]
    assert len(trimmed) == 1
