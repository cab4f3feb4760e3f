"""The failpoints of the fault tests name code that is there: a point whose module or function has another name by now
injects no fault, and the test that arms it would see a sound Bureau and be content."""

from pathlib import Path
from pkgutil import resolve_name
from types import FunctionType

import pytest

from tests.support.failpoints import Failpoints
from tests.support.failpoints.sitecustomize import POINTS

NAMED = [(module, name) for module, points in POINTS.items() for name, _ in points]


@pytest.mark.parametrize(("module", "name"), NAMED)
def test_every_failpoint_names_code_that_can_be_imported(module: str, name: str) -> None:
    function = resolve_name(f"{module}:{name}")
    assert isinstance(function, FunctionType)
    owner = resolve_name(f"{module}:{name.rpartition('.')[0]}") if "." in name else function
    assert owner.__module__ == module, "the point has to be where the code is, not where it is imported"


def test_every_module_with_failpoints_has_at_least_one() -> None:
    assert POINTS
    assert all(POINTS.values())


@pytest.mark.parametrize("stale", ["bureau.no_such_module:SECONDS", "bureau.process.background_loop:NO_SUCH_SECONDS"])
def test_a_constant_that_is_not_there_cannot_be_set(tmp_path: Path, stale: str) -> None:
    failpoints = Failpoints(tmp_path)
    with pytest.raises((ImportError, AttributeError), match=r"no_such_module|NO_SUCH_SECONDS"):
        failpoints.env({stale: 3})
