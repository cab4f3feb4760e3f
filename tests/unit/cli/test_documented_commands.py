"""Tests that the commands in the docs are commands: their names, options and arguments are those of the program."""

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bureau.cli.main import cli
from tests.support.running.processes import ROOT

PAGES = [Path(ROOT, "README.md"), *sorted(Path(ROOT, "docs").glob("*.md"))]
BLOCK = re.compile(r"^```([a-z]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^ *(?:\$ )?(bureau (?:[^\n]*\\\n)*[^\n]*)$", re.MULTILINE)


def documented() -> list[tuple[str, str]]:
    """The page of each command, and the command in one line. Two on a line are two; output of a command is none."""
    blocks = [(page.name, block) for page in PAGES for kind, block in BLOCK.findall(page.read_text()) if not kind]
    found = [(page, text.replace("\\\n", " ")) for page, block in blocks for text in COMMAND.findall(block)]
    return [(page, one) for page, text in found for one in re.split(r" {2,}(?=bureau )", text)]


@pytest.mark.parametrize(("page", "text"), documented())
def test_a_documented_command_is_one(page: str, text: str) -> None:
    _, *arguments = shlex.split(text, comments=True)
    answer = CliRunner().invoke(cli, [*arguments, "--help"])  # read like the rest, and nothing is done
    assert answer.exit_code == 0, answer.output


def test_a_command_that_is_none_would_be_found() -> None:
    for wrong in (["schedules", "put", "daily", "report", "sales"], ["jobs", "--status", "failed"]):
        assert CliRunner().invoke(cli, [*wrong, "--help"]).exit_code == click.UsageError.exit_code


def test_many_commands_are_documented() -> None:
    assert len(documented()) > 15
