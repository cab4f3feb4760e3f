"""The command and the client on the Bureau without settings; each test makes its own jobs."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bureau.cli.main import cli
from bureau.client import Bureau
from tests.support.running.embedded import EmbeddedBureau

ENDS_SECONDS = 60.0


@pytest.fixture
def client(plain: EmbeddedBureau) -> Iterator[Bureau]:
    with Bureau(plain.api.url) as client:
        yield client


class Shell:
    """Runs the command as a shell would, 80 columns wide."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.env: dict[str, str | None] = {"BUREAU_URL": url, "BUREAU_KEY": key, "BUREAU_KEY_FILE": None}
        self.env |= {"COLUMNS": "80", "NO_COLOR": None, "FORCE_COLOR": None}

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, stdin: str | None = None) -> Result:
        return CliRunner(env={**self.env, **(env or {})}).invoke(cli, arguments, input=stdin, prog_name="bureau")

    def __call__(self, *arguments: str, status: int = 0, stdin: str | None = None) -> str:
        """What is on stdout of a command that must end with this status."""
        done = self.run(*arguments, stdin=stdin)
        assert done.exit_code == status, done.output
        assert "Traceback" not in done.output
        assert "\x1b" not in done.output
        return done.stdout


@pytest.fixture
def shell(plain: EmbeddedBureau) -> Shell:
    return Shell(plain.api.url)


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    path = tmp_path / "roster.csv"
    path.write_text("recipient,course\nAda Lovelace,Patience\n")
    return path
