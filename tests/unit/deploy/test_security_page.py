"""docs/security.md: each promise names a test that is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/security.md"


def test_every_promise_names_tests_that_are_there() -> None:
    promises = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and line.endswith("` |")]
    assert len(promises) > 30
    for line in promises:
        for name in re.findall(r"`((?:unit|contract|integration|acceptance)/[^`]+)`", line):
            assert (ROOT / "tests" / name).exists(), name
