"""How often the reporter writes what tasks say."""

import pytest

from bureau.runtime.reporter import pause_seconds


@pytest.mark.parametrize(("took", "pause"), [(0.0, 0.5), (0.05, 0.5), (0.1, 1.0), (0.2, 2.0), (5.0, 2.0)])
def test_a_slow_write_makes_writes_rarer_but_never_late(took: float, pause: float) -> None:
    assert pause_seconds(took) == pytest.approx(pause)
