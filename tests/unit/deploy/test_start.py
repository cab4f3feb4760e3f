"""A process starts without the libraries that it may never need: they are imported where they are first used."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.running.processes import ROOT
from tests.support.servers.ports import free_port

ELSEWHERE = {"BROKER_URL": "amqp://nobody:secret@127.0.0.1:9/", "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/no"}
LEDGER = {"alembic", "cryptography", "email_validator", "httpx"}  # what no process needs to begin with its work
ISSUER = {"flask", "typst", "zxingcpp"}

# What begins a process, and what must not be imported by the time it has begun. A `dramatiq` worker and a gateway
# connect later, so that psycopg, which each of them needs, is not imported yet.
PROCESSES = {
    "the mailer": ("import bureau.services.mailer.worker", LEDGER | {"flask", "sendgrid", "psycopg"}),
    "the reports worker": ("import bureau.services.reports.worker", LEDGER | {"flask", "jinja2", "psycopg", "pymysql"}),
    "the certificates worker": (
        "import bureau.services.certificates.worker",
        LEDGER | ISSUER | {"httpcore", "jinja2", "psycopg"},
    ),
    "a worker of one's own": ("import bureau.worker", LEDGER | {"flask", "jinja2", "psycopg"}),
    "the scheduler": ("import bureau.services.scheduler.__main__", LEDGER | {"flask", "jinja2", "psycopg"}),
    "the gateway's parent": ("import bureau.services.gateway.gunicorn_conf", LEDGER | {"flask", "jinja2", "psycopg"}),
    "the gateway": ("import bureau.services.gateway.wsgi", LEDGER | {"typst", "psycopg", "sendgrid"}),
    "the issuer": ("import bureau.services.certificates.issuer.wsgi", LEDGER | {"sqlalchemy", "dramatiq", "pika"}),
    "the command": ("import bureau.cli.main", {"httpx", "rich", "pydantic", "sqlalchemy", "importlib.metadata"}),
    "the client": ("import bureau.client", {"httpx", "rich", "pydantic", "sqlalchemy"}),
}


def imported(code: str, heavy: set[str], folder: Path, env: dict[str, str]) -> list[str]:
    """Returns those of `heavy` that a new process has imported when it has run `code`."""
    asked = f"[name for name in {sorted(heavy)!r} if name in sys.modules]"
    said = f"{code}\nimport json, os, sys\nprint(json.dumps({asked}), flush=True)"
    done = subprocess.run(
        [sys.executable, "-c", f"{said}\nos._exit(0)"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names: list[str] = json.loads(done.stdout.splitlines()[-1])
    return names


@pytest.mark.parametrize("process", PROCESSES)
def test_a_process_begins_without(process: str, tmp_path: Path) -> None:
    begin, heavy = PROCESSES[process]
    assert imported(begin, heavy, tmp_path, ELSEWHERE) == []


def test_all_in_one_process_is_up_without_what_its_first_jobs_need(tmp_path: Path) -> None:
    """Also with a new database, whose tables are made at once."""
    code = "from bureau.services.embedded.process import build\nbuild().start()"
    env = {"SOURCE_DEMO_URL": "sqlite:///none.db", "BIND": f"127.0.0.1:{free_port()}"}
    heavy = {"alembic", "cryptography", "httpx", "psycopg", "pymysql", "sendgrid", "typst", "zxingcpp"}
    assert imported(code, heavy, tmp_path, env) == []


def test_a_schema_that_is_up_to_date_is_known_without_alembic(tmp_path: Path) -> None:
    code = "from bureau.ledger.db.database import Database\nfrom bureau.ledger.db.migrate import migrate\n"
    code += "for _ in range(2): migrate(Database('sqlite:///ledger.db'))"
    assert imported(code, {"alembic"}, tmp_path, {}) == []
