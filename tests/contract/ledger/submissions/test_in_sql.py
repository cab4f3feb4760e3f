"""An application's role submits jobs with `bureau.submit`, in its own transaction, and can do nothing else."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from bureau.contracts.catalog import Catalog
from bureau.ledger.db.database import Database
from bureau.ledger.db.migrate import ledger_schema, migrate, upgrade
from bureau.ledger.db.tables import artifact_uses, dependencies, job_tags, jobs, metadata, tasks
from bureau.ledger.dispatch import workers
from bureau.ledger.dispatch.deployed import deploy, withdraw
from bureau.ledger.dispatch.workers import register
from bureau.ledger.submissions.in_sql import function, grants
from bureau.ledger.submissions.in_sql.shape import INVALID
from tests.contract.ledger.dispatch.test_workers import a_worker, catalog, change
from tests.support.ledger.book import Book, add_upload, stored, task
from tests.support.ledger.soundness import assert_sound
from tests.support.servers.postgres import connect, drop_database, fresh_database


@dataclass(frozen=True)
class App:
    """A ledger, and an application that shares its database."""

    db: Database
    url: str
    role: str

    def submit(self, document: Any) -> UUID:
        with connect(self.url) as connection:
            (found,) = connection.execute("SELECT bureau.submit(%s)", [json.dumps(document)]).fetchone() or (None,)
        assert isinstance(found, UUID)
        return found

    def refused(self, document: Any) -> tuple[str | None, str | None]:
        """Returns the code and the place of a refusal."""
        with pytest.raises(psycopg.Error) as raised:
            self.submit(document)
        assert raised.value.sqlstate == INVALID, raised.value
        return raised.value.diag.message_hint, raised.value.diag.message_detail


@pytest.fixture(scope="module")
def app(postgres_server: str) -> Iterator[App]:
    url = fresh_database(postgres_server)
    db = Database(url)
    migrate(db)
    role = f"{make_url(url).database}_app"
    with connect(url) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'app'").format(sql.Identifier(role)))
        connection.execute(sql.SQL("CREATE SCHEMA shop AUTHORIZATION {}").format(sql.Identifier(role)))
    grants.grant(db, role, "ada")
    register(db, a_worker("w1", offers=_catalog()))
    app_url = make_url(url).set(username=role, password="app").render_as_string(hide_password=False)
    yield App(db, app_url, role)
    assert_sound(db)
    db.close()
    with connect(url) as connection:
        connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    drop_database(postgres_server, url)


def _catalog() -> Catalog:
    described = {"description": "", "queue": "shop", "input_schema": {}, "result_schema": {}}
    own = {"retry": {"max_attempts": 3, "base_seconds": 2, "cap_seconds": 9}, "time_limit_seconds": 60}
    return Catalog.model_validate(
        {"tasks": [{"name": "shop.work", **described}, {"name": "shop.own", **described, **own}]}
    )


def one(run: str = "shop.work", **fields: Any) -> dict[str, Any]:
    return {"name": "a", "run": run, **fields}


SECOND = {"name": "b", "run": "shop.work", "after": ["a"]}


def test_a_graph_is_stored_as_the_gateway_stores_it(app: App) -> None:
    job_id = app.submit(
        {
            "tasks": [
                one("shop.own", input={"n": 1, "file": None}),
                {
                    "name": "b",
                    "run": "shop.work",
                    "after": ["a"],
                    "input": {"x": {"$result": "/a"}},
                    "retry": {"max_attempts": 9},
                },
            ],
            "tags": ["x", "y", "x"],
            "priority": 7,
            "time_limit_seconds": 30,
        }
    )
    with app.db.read() as connection:
        job = connection.execute(select(jobs).where(jobs.c.id == job_id)).one()
        first, second = connection.execute(select(tasks).where(tasks.c.job_id == job_id).order_by("position")).all()
        links = connection.execute(select(dependencies).where(dependencies.c.downstream == second.id)).all()
        tags = (
            connection.execute(select(job_tags.c.tag).where(job_tags.c.job_id == job_id).order_by("tag"))
            .scalars()
            .all()
        )
    assert (job.owner, job.kind, job.title, job.state, job.tags, job.priority, job.total_tasks, job.open_tasks) == (
        *("ada", "job", "shop.own and 1 more", "open", ["x", "y"], 7, 2, 2),
    )
    assert job.submitted_by == app.role
    assert (first.state, first.queue, first.input, first.max_attempts, first.base_seconds, first.cap_seconds) == (
        *("ready", "shop", {"n": 1, "file": None}, 3, 2, 9),
    )
    assert (first.due_at, first.time_limit_seconds, first.hints, job.run_at) == (job.created_at, 30, 0, None)
    assert (second.state, second.max_attempts, second.upstream_open, second.after, second.due_at) == (
        *("waiting", 9, 1, ["a"], None),
    )
    assert [link.upstream for link in links] == [first.id]
    assert tags == ["x", "y"]
    assert job_id.version == 7


def test_a_task_may_go_to_another_queue_on_which_it_was_announced(app: App) -> None:
    register(app.db, a_worker("w9", queue="fast", offers=_catalog()))
    job_id = app.submit({"tasks": [one(queue="fast"), SECOND]})
    with app.db.read() as connection:
        queues = connection.execute(
            select(tasks.c.queue).where(tasks.c.job_id == job_id).order_by("position")
        ).scalars()
        assert list(queues) == ["fast", "shop"]


def test_what_is_rolled_back_was_never_submitted(app: App) -> None:
    with connect(app.url) as connection, connection.transaction(force_rollback=True):
        (job_id,) = connection.execute("SELECT bureau.submit(%s)", [json.dumps({"tasks": [one()]})]).fetchone() or ()
    with app.db.read() as connection2:
        assert connection2.execute(select(jobs.c.id).where(jobs.c.id == job_id)).first() is None


def test_times_and_delays_are_kept(app: App) -> None:
    later = app.submit({"tasks": [one()], "delay_seconds": 60, "expires_at": "2100-01-01T00:00:00+02:00", "title": "T"})
    at = app.submit({"tasks": [one()], "run_at": "2099-01-01T00:00:00Z"})
    with app.db.read() as connection:
        rows = {row.id: row for row in connection.execute(select(jobs))}
        due = {row.job_id: row.due_at for row in connection.execute(select(tasks.c.job_id, tasks.c.due_at))}
    assert (due[later] - rows[later].created_at).total_seconds() == 60
    assert rows[later].run_at == due[later]
    assert rows[later].title == "T"
    assert rows[later].expires_at.isoformat() == "2099-12-31T22:00:00+00:00"
    assert due[at].isoformat() == "2099-01-01T00:00:00+00:00"


def test_an_id_makes_one_job_and_another_owners_is_refused(app: App) -> None:
    job_id = str(uuid4())
    assert app.submit({"id": job_id, "tasks": [one()]}) == app.submit({"id": job_id, "tasks": [one()]}) == UUID(job_id)
    book = Book(app.db)
    theirs = book.submit(task(), owner="bob")
    with pytest.raises(psycopg.Error) as raised:
        app.submit({"id": str(theirs), "tasks": [one()]})
    assert raised.value.sqlstate == function.ID_TAKEN


def test_files_of_the_owner_are_used_and_others_are_not_found(app: App) -> None:
    mine, theirs = stored("ada"), stored("bob")
    add_upload(app.db, mine)
    add_upload(app.db, theirs)
    job_id = app.submit({"tasks": [one(input={"photos": [{"artifact": str(mine.id)}]})]})
    with app.db.read() as connection:
        used = connection.execute(select(artifact_uses.c.artifact_id).where(artifact_uses.c.job_id == job_id)).scalars()
        assert list(used) == [mine.id]
    assert app.refused({"tasks": [one(input={"photo": {"artifact": str(theirs.id)}})]})[0] == "unknown_artifact"


WRONG = [
    ([], "wrong_type", "#"),
    ({}, "missing", "#/tasks"),
    ({"tasks": []}, "too_short", "#/tasks"),
    ({"tasks": [one()] * 1001}, "too_long", "#/tasks"),
    ({"tasks": [one()], "owner": "bob"}, "unknown_field", "#"),
    ({"tasks": [one()], "kind": "report"}, "unknown_field", "#"),
    ({"tasks": [{"name": "a"}]}, "missing", "#/tasks/0/run"),
    ({"tasks": [one(queue_=1)]}, "unknown_field", "#/tasks/0"),
    ({"tasks": [{"name": "a b", "run": "shop.work"}]}, "wrong_form", "#/tasks/0/name"),
    ({"tasks": [one("Shop")]}, "wrong_form", "#/tasks/0/run"),
    ({"tasks": [one("shop.nobody")]}, "unknown_run", "#/tasks/0/run"),
    ({"tasks": [one(queue="slow")]}, "unknown_queue", "#/tasks/0/queue"),
    ({"tasks": [one()], "delay_seconds": 60, "expires_at": "2026-01-01T00:00:00Z"}, "refused", "#/expires_at"),
    ({"tasks": [one(input=[])]}, "wrong_type", "#/tasks/0/input"),
    ({"tasks": [one(when="later")]}, "not_a_choice", "#/tasks/0/when"),
    ({"tasks": [one(when="failed")]}, "nothing_to_fail", "#/tasks/0/when"),
    ({"tasks": [one(optional="yes")]}, "wrong_type", "#/tasks/0/optional"),
    ({"tasks": [one(retry={"max_attempts": 0})]}, "out_of_range", "#/tasks/0/retry/max_attempts"),
    ({"tasks": [one(retry={"max_attempts": 1.5})]}, "wrong_type", "#/tasks/0/retry/max_attempts"),
    ({"tasks": [one(time_limit_seconds=0)]}, "out_of_range", "#/tasks/0/time_limit_seconds"),
    ({"tasks": [one(), one()]}, "repeated_name", "#/tasks/1/name"),
    ({"tasks": [one(after=["z"])]}, "unknown_task", "#/tasks/0/after/0"),
    ({"tasks": [one(), {"name": "b", "run": "shop.work", "after": ["a", "a"]}]}, "repeated_task", "#/tasks/1/after/1"),
    ({"tasks": [one(after=["a"])]}, "cycle", "#/tasks"),
    ({"tasks": [one(after=["b"]), {"name": "b", "run": "shop.work", "after": ["a"]}]}, "cycle", "#/tasks"),
    ({"tasks": [one(input={"x": [{"$result": "/b"}]})]}, "wrong_result_reference", "#/tasks/0/input"),
    ({"tasks": [one(input={"x": {"$result": "/b", "y": 1}})]}, "wrong_result_reference", "#/tasks/0/input"),
    ({"tasks": [one(input={"x": {"$result": 7}})]}, "wrong_result_reference", "#/tasks/0/input"),
    ({"tasks": [one()], "priority": 10}, "out_of_range", "#/priority"),
    ({"tasks": [one()], "title": ""}, "too_short", "#/title"),
    ({"tasks": [one()], "tags": ["x" * 65]}, "too_long", "#/tags/0"),
    ({"tasks": [one()], "id": "7"}, "wrong_form", "#/id"),
    ({"tasks": [one()], "run_at": "2026-01-01"}, "wrong_form", "#/run_at"),
    ({"tasks": [one()], "run_at": "2026-13-01T00:00:00Z"}, "wrong_form", "#/run_at"),
    ({"tasks": [one()], "run_at": "1960-01-01T00:00:00Z"}, "out_of_range", "#/run_at"),
    ({"tasks": [one()], "run_at": "2026-01-01T00:00:00Z", "delay_seconds": 1}, "given_twice", "#/delay_seconds"),
    (
        {"tasks": [one()], "run_at": "2026-01-02T00:00:00Z", "expires_at": "2026-01-01T00:00:00Z"},
        *("refused", "#/expires_at"),
    ),
    pytest.param({"tasks": [one(input={"x": "y" * 16_000_000})]}, "too_large", "#", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("document", "code", "place"), WRONG, ids=lambda value: str(value)[:40])
def test_what_the_gateway_refuses_is_refused_with_its_code_and_place(
    app: App, document: Any, code: str, place: str
) -> None:
    assert app.refused(document) == (code, place)


def test_a_large_graph_in_any_order_is_accepted_and_its_circle_found(app: App) -> None:
    names = [f"t{n}" for n in range(1000)]
    chain = [{"name": n, "run": "shop.work", "after": [u]} for n, u in pairwise(names)]
    last = {"name": names[-1], "run": "shop.work"}
    assert app.submit({"tasks": [*chain, last]})
    assert app.refused({"tasks": [*chain, {**last, "after": ["t0"]}]})[0] == "cycle"


def test_the_role_reads_and_writes_nothing_else(app: App) -> None:
    with connect(app.url) as connection:
        for table in [*metadata.tables, "alembic_version"]:
            for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"):
                (has,) = (
                    connection.execute("SELECT has_table_privilege(%s, %s)", [f"public.{table}", right]).fetchone()
                    or ()
                )
                assert not has, (table, right)
        callable_ones = connection.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'bureau'::regnamespace"
            " AND has_function_privilege(oid, 'EXECUTE') ORDER BY proname"
        ).fetchall()
        assert callable_ones == [("submit",), ("submit_version",)]
        assert connection.execute("SELECT bureau.submit_version()").fetchone() == (function.VERSION,)
        for forbidden in (
            "UPDATE jobs SET owner = 'bob'",
            "CREATE TABLE bureau.x (n int)",
            "CREATE TABLE public.x (n int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden)


def test_a_search_path_or_temporary_table_of_the_caller_changes_nothing(app: App) -> None:
    with connect(app.url) as connection:
        connection.execute("CREATE TABLE shop.application_roles (role text, owner text)")
        connection.execute("CREATE TEMP TABLE application_roles (role text, owner text)")
        connection.execute("INSERT INTO pg_temp.application_roles VALUES (session_user, 'bob')")
        connection.execute("CREATE FUNCTION shop.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$")
        connection.execute("SET search_path = pg_temp, shop, public")
        (job_id,) = connection.execute("SELECT bureau.submit(%s)", [json.dumps({"tasks": [one()]})]).fetchone() or ()
        connection.execute("DROP TABLE shop.application_roles; DROP FUNCTION shop.lower(text)")
    with app.db.read() as read:
        assert read.execute(select(jobs.c.owner).where(jobs.c.id == job_id)).scalar() == "ada"


def test_a_role_without_a_grant_and_one_that_lost_it_submit_nothing(app: App) -> None:
    owner_url = app.db.engine.url.render_as_string(hide_password=False)
    with connect(owner_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege, match="submits no jobs"):
        connection.execute("SELECT bureau.submit(%s)", [json.dumps({"tasks": [one()]})])
    assert grants.revoke(app.db, app.role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.submit({"tasks": [one()]})
    assert not grants.revoke(app.db, app.role)
    grants.grant(app.db, app.role, "ada")
    assert grants.granted(app.db) == {app.role: "ada"}
    assert app.submit({"tasks": [one()]})


def test_a_role_that_could_change_the_function_gets_no_grant(app: App) -> None:
    owner_url = app.db.engine.url.render_as_string(hide_password=False)
    name = sql.Identifier(app.role)
    with connect(owner_url) as connection:
        connection.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(name))
        try:
            with pytest.raises(grants.NotGranted, match="schema of its own"):
                grants.grant(app.db, app.role, "ada")
        finally:
            connection.execute(sql.SQL("REVOKE CREATE ON SCHEMA public FROM {}").format(name))
    with pytest.raises(grants.NotGranted, match="no role nobody"):
        grants.grant(app.db, "nobody", "ada")


def test_a_user_called_as_the_schema_keeps_its_ledger(app: App) -> None:
    """PostgreSQL puts a schema of the user's name before the one that has the tables."""
    url = app.db.engine.url.render_as_string(hide_password=False)
    with connect(url) as connection:
        (current,) = connection.execute("SELECT current_schema()").fetchone() or ()
        assert (current == "bureau") == (connection.info.user == "bureau")
    again = Database(url)
    migrate(again)
    with again.transaction() as connection2:
        assert ledger_schema(connection2) == "public"
        upgrade(connection2)
        assert connection2.execute(text("SELECT current_schema()")).scalar() == "public"
    again.close()
    with connect(url) as connection:
        made = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'bureau'").fetchall()
    assert made == []


def test_a_service_without_a_live_worker_is_known_for_a_day(app: App) -> None:
    document = {"tasks": [one("old.work")]}
    assert app.refused(document)[0] == "unknown_run"
    register(app.db, a_worker("w2", queue="old"))
    change(app.db, "w2", stopped_at=None)
    assert app.submit(document)
    workers.stopped(app.db, ["w2"])
    assert app.submit(document)


def test_what_a_deployment_announced_is_known_without_a_worker(app: App) -> None:
    document = {"tasks": [one("fresh.work")]}
    assert app.refused(document)[0] == "unknown_run"
    deploy(app.db, {"fresh": catalog("fresh.work", "fresh.removed"), "spare": catalog("fresh.work")})
    assert app.submit(document)
    assert app.submit({"tasks": [one("fresh.work", queue="spare")]})
    assert app.submit({"tasks": [one("fresh.removed")]})
    register(app.db, a_worker("w3", queue="fresh", offers=catalog("fresh.removed")))
    deploy(app.db, {"fresh": catalog("fresh.work")})
    assert app.submit({"tasks": [one("fresh.removed")]})  # the worker of before still lives
    workers.stopped(app.db, ["w3"])
    assert app.refused({"tasks": [one("fresh.removed")]})[0] == "unknown_run"
    assert app.submit(document)
    withdraw(app.db, ["fresh", "spare"])
    assert app.refused(document)[0] == "unknown_run"


def test_functions_that_are_there_are_made_anew_by_the_migration_that_brings_deployments(app: App) -> None:
    with app.db.transaction() as connection:
        connection.exec_driver_sql("DROP TABLE deployed_catalogs")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0019'")
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION bureau.announced(runs text[]) RETURNS TABLE (run text, description jsonb) "
            "LANGUAGE sql AS $$ SELECT '', '{}'::jsonb WHERE false $$"
        )
    assert app.refused({"tasks": [one("later.work")]})[0] == "unknown_run"
    migrate(app.db)
    deploy(app.db, {"later": catalog("later.work")})
    assert app.submit({"tasks": [one("later.work")]})
    withdraw(app.db, ["later"])


def test_its_times_are_those_of_the_announcements() -> None:
    assert (function.SEEN_SECONDS, function.KEPT_SECONDS) == (workers.SEEN_SECONDS, workers.KEPT_SECONDS)
