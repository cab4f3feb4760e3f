"""What a process says of its own memory."""

import re
from pathlib import Path

import pytest

from bureau.runtime import process_memory
from bureau.runtime.process_memory import resident_bytes


def test_it_is_what_the_system_says() -> None:
    said = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert said
    assert resident_bytes() == pytest.approx(int(said[1]) * 1024, rel=0.1)


def test_a_system_that_does_not_say_leaves_it_open(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process_memory, "_STATM", tmp_path / "none")
    assert resident_bytes() is None
