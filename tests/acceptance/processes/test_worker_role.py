"""Workers under a database role of their own: it does all they do, and sees and changes nothing else."""

from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from bureau.ledger.db.tables import metadata
from bureau.ledger.db.worker_role.grants import DELETE, INSERT, READ, UPDATE
from tests.support.running.hosted import Hosted
from tests.support.running.stack import WORKERS
from tests.support.servers.keeper import Ask
from tests.support.servers.postgres import connect
from tests.support.waiting import until

HIDDEN = {"keys", "application_roles", "ended_sessions", "secrets", "rate_limits", "audit", "idempotency", "job_tags"}


@pytest.fixture
def worker_url(hosting: Hosted) -> str:
    return hosting.own_env["mailer"]["DATABASE_URL"]


def test_workers_do_all_their_work_under_it(hosted: Hosted, servers: Ask) -> None:
    log = Path(servers("postgres")["log"])
    before = log.stat().st_size
    api = hosted.api
    roster = ("welding.csv", "recipient,course\nAda Lovelace,Welding\n", "text/csv")

    issued = api.submit("/v1/certificates", files=[("files", roster)], data={"email_to": "dean@example.com"})
    graph = api.run(
        {"name": "flaky", "run": "odd.flaky", "input": {}, "retry": {"base_seconds": 0.1}},
        {"name": "grow", "run": "odd.grow", "after": ["flaky"], "input": {"first": {"$result": "/flaky"}}},
        {"name": "sorry", "run": "odd.flaky", "after": ["grow"], "when": "failed", "input": {}},
    )
    failing = api.run({"name": "never", "run": "odd.never", "input": {}})
    stopped = api.run({"name": "forever", "run": "odd.forever", "input": {}})
    spinning = api.run({"name": "spin", "run": "odd.spin", "input": {}})
    until(lambda: {api.job(job["id"])["state"] for job in (stopped, spinning)} == {"running"}, 60, "both run")
    for job in (stopped, spinning):
        api.client.post(f"/v1/jobs/{job['id']}/cancel").raise_for_status()

    assert [task["state"] for task in api.succeeded(issued)["tasks"]] == ["succeeded", "succeeded"]
    assert api.succeeded(graph)["counts"] == {"succeeded": 4, "skipped": 1}
    assert api.failed(failing)["code"] == "no_use"
    assert [api.ended(job)["state"] for job in (stopped, spinning)] == ["cancelled", "cancelled"]
    until(lambda: not hosted.s3.keys(hosted.bucket, "uploads/"), 20, "the uploads' bytes are deleted")
    assert hosted.stop(*WORKERS, "odd") == dict.fromkeys((*WORKERS, "odd"), 0)
    said = log.read_bytes()[before:].decode("utf-8", "replace").splitlines()
    database = make_url(hosted.env["DATABASE_URL"]).database
    assert [line for line in said if f" {database} " in line and "permission denied" in line] == []


def test_it_has_no_right_that_is_not_granted_to_workers(worker_url: str) -> None:
    allowed = {(table, "SELECT") for table in READ} | {(table, "INSERT") for table in INSERT}
    allowed |= {(table, "DELETE") for table in DELETE}
    with connect(worker_url) as connection:
        tables = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        has = {
            (table, right)
            for table in tables
            for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
            if connection.execute("SELECT has_table_privilege(%s, %s)", (table, right)).fetchone() == (True,)
        }
    assert has == allowed


def test_it_changes_named_columns_only(worker_url: str) -> None:
    with connect(worker_url) as connection:
        changeable = {
            table.name: {
                column.name
                for column in table.columns
                if connection.execute(
                    "SELECT has_column_privilege(%s, %s, 'UPDATE')", (table.name, column.name)
                ).fetchone()
                == (True,)
            }
            for table in metadata.sorted_tables
        }
    assert {table: columns for table, columns in changeable.items() if columns} == {
        table: set(columns) for table, columns in UPDATE.items()
    }
    assert not changeable["tasks"] & {"input", "run", "queue", "priority", "job_id", "max_attempts"}


@pytest.mark.parametrize("table", sorted(HIDDEN))
def test_tables_of_the_gateway_are_hidden_from_the_worker_role(worker_url: str, table: str) -> None:
    with connect(worker_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(table)))


def test_it_makes_no_tables(worker_url: str) -> None:
    with connect(worker_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE mine (id integer)")
