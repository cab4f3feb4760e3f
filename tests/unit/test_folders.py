"""Tests that folders stay small enough to be read at a glance, and say what belongs in them."""

from pathlib import Path

import pytest

from tests.support.running.processes import ROOT

AT_MOST = 15  # modules, `__init__.py` not counted
UNLIMITED = {"bureau/ledger/migrations/versions"}  # a migration is never removed
TOPS = ("bureau", "services", "tests")
FOLDERS = sorted({path.parent.relative_to(ROOT) for top in TOPS for path in Path(ROOT, top).rglob("*.py")})


def test_a_folder_has_few_modules() -> None:
    modules = {folder: {path.name for path in Path(ROOT, folder).glob("*.py")} - {"__init__.py"} for folder in FOLDERS}
    too_many = {str(folder) for folder, names in modules.items() if len(names) > AT_MOST}
    assert too_many - UNLIMITED == set()


@pytest.mark.parametrize("folder", [str(folder) for folder in FOLDERS if folder.parts[0] != "tests"])
def test_a_folder_says_what_belongs_in_it(folder: str) -> None:
    said = Path(ROOT, folder, "__init__.py")
    assert folder.startswith("bureau/ledger/migrations") or said.read_text().startswith('"""'), said
