"""`bureau port` prints what a person reads, and JSON for programs."""

import json
from pathlib import Path

from click.testing import CliRunner

from bureau.cli.main import cli
from tests.unit.port.conftest import Read

CODE = """
    from celery import shared_task

    @shared_task(serializer="pickle")
    def f(): ...

    f.delay()
"""


def test_it_shows_each_file_each_reason_and_the_share(read: Read, tmp_path: Path) -> None:
    read(code=CODE)
    shown = CliRunner().invoke(cli, ["port", str(tmp_path)])
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[1].split() == ["code.py", "1", "1", "1"]
    assert '      3  by hand    @shared_task(serializer="pickle")' in lines
    assert "50 % of 2 call sites need no hand; 1 needs one." in lines
    assert (tmp_path / "code.py").read_text().startswith("from celery import")


def test_json_holds_every_finding_and_write_says_what_it_wrote(read: Read, tmp_path: Path) -> None:
    read(code=CODE)
    shown = CliRunner().invoke(cli, ["port", "--write", "--json", str(tmp_path)])
    answer = json.loads(shown.stdout)
    assert answer["call_sites"] == {"as_is": 1, "rewritten": 0, "by_hand": 1, "percent_without_hand": 50.0}
    assert [one["line"] for one in answer["findings"]] == [1, 3, 6]
    assert answer["written"] == [str(tmp_path / "code.py")]
    assert (tmp_path / "code.py").read_text().startswith("from bureau.celery import")


def test_a_project_without_celery_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("print(1)")
    shown = CliRunner().invoke(cli, ["port", str(tmp_path)])
    assert shown.exit_code == 0
    assert "None of the 1 Python files uses Celery." in shown.stderr
