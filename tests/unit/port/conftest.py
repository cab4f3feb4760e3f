"""Writes a small project and reads it."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from bureau.port.finding import Finding
from bureau.port.survey import Survey, survey

Read = Callable[..., Survey]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Returns a function that writes modules, named by keywords or paths, and reads them as one project."""

    def written(files: dict[str, str] | None = None, **modules: str) -> Survey:
        for name, text in {**(files or {}), **{f"{name}.py": text for name, text in modules.items()}}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip("\n"))
        return survey(tmp_path)

    return written


def line_of(found: Survey, file: str, line: int) -> list[Finding]:
    return [one for one in found.findings if (one.file, one.line) == (file, line)]
