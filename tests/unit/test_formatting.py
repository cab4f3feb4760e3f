"""Counts and sizes as people read them."""

import pytest

from bureau.formatting import count, size


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (5120, "5.1 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (20_300_000, "20.3 MB"),
        (3e9, "3.0 GB"),
        (10**13, "10.0 TB"),
        (4 * 10**15, "4,000.0 TB"),
    ],
)
def test_a_size_has_the_unit_that_makes_it_short(number: float, said: str) -> None:
    assert size(number) == said


def test_one_is_not_many() -> None:
    assert [count(n, "job") for n in (0, 1, 1240)] == ["0 jobs", "1 job", "1,240 jobs"]
    assert [count(n, "person has", "people have") for n in (1, 2)] == ["1 person has", "2 people have"]
