"""What a source refuses or cannot do: for good or for now, in words for people, without SQL or secrets."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bureau.contracts.errors import LOGIN_REFUSED_SECONDS, PermanentError, TransientError
from bureau.services.reports.output.rows import Rows, RowSource
from bureau.services.reports.sources.postgres_source import _LOGIN_REFUSED
from bureau.services.reports.sources.sources import open_sources
from tests.support.reading import running
from tests.support.servers.ports import free_port
from tests.support.waiting import until

PASSWORD = "reading-secret"
OURS = " from pg_stat_activity where application_name = 'bureau reports' and datname = current_database()"


@pytest.fixture
def reader(database: psycopg.Connection[Any], postgres_url: str) -> Iterator[str]:
    """The URL of a role that may read `sales` and use `numbers`, and nothing else."""
    role = f"{database.info.dbname}_reader"
    database.execute("create table sales as select 1 as id; create sequence numbers; create table locked (secret int)")
    database.execute(f"create role {role} login password '{PASSWORD}'")
    database.execute(f"grant select on sales to {role}; grant usage on numbers to {role}")
    yield make_url(postgres_url).set(username=role, password=PASSWORD).render_as_string(hide_password=False)
    database.execute(f"drop owned by {role}; drop role {role}")


def source_at(url: str) -> RowSource:
    return open_sources({"SOURCE_SHOP_URL": url})["shop"]


def read(url: str, sql: str) -> None:
    with running(source_at(url), sql) as rows:
        drain(rows)


def drain(rows: Rows) -> None:
    for batch in rows.batches:
        assert batch.rows


@pytest.mark.parametrize(
    ("sql", "code", "words"),
    [
        ("selec secret", "report_query_invalid", "cannot parse the report's query"),
        ("select 1 from secret_table", "report_query_invalid", "uses a table that"),
        ("select 1 from secret_schema.t", "report_query_invalid", "uses a table that"),
        ("select secret_column from sales", "report_query_invalid", "uses a column that"),
        ("select secret_function(1)", "report_query_invalid", "uses a function or operator that"),
        ("select secret from locked", "source_permission_denied", "may not read everything"),
        ("select id / (id - 1) from sales", "report_data_error", "a division by zero"),
        ("select ('secret' || id)::integer from sales", "report_data_error", "cannot work with (code 22P02)"),
        ("delete from sales returning id", "report_query_invalid", "cannot parse"),
        ("select nextval('numbers')", "report_query_writes", "would change data"),
        ("select 1) as x) to stdout --", "report_query_invalid", "cannot parse"),
        ("show all", "report_query_invalid", "cannot parse"),
    ],
)
def test_a_query_the_source_refuses_fails_for_good(reader: str, sql: str, code: str, words: str) -> None:
    with pytest.raises(PermanentError) as error:
        read(reader, sql)
    assert (error.value.code, words in error.value.message) == (code, True), error.value.message
    assert "secret" not in error.value.message
    read(reader, "select * from sales")  # the next report runs


@pytest.mark.parametrize("wrong", ["password", "role", "database", "right"])
def test_a_refused_login_names_the_setting_and_is_tried_again_slowly(
    wrong: str, reader: str, database: psycopg.Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    url = make_url(reader)
    given: dict[str, Any] = {"password": {"password": "guessed"}, "role": {"username": "nobody-here"}}
    given |= {"database": {"database": "no-such-database"}, "right": {}}
    if wrong == "right":
        database.execute(f"alter role {url.username} nologin")
    with pytest.raises(TransientError) as error:
        read(url.set(**given[wrong]).render_as_string(hide_password=False), "select 1")
    assert (error.value.code, error.value.retry_after) == ("source_sign_in_refused", LOGIN_REFUSED_SECONDS)
    assert "refused the login" in error.value.message
    assert "SOURCE_SHOP_URL" in error.value.message
    for secret in ("guessed", PASSWORD):
        assert secret not in error.value.message + "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        ("FATAL:  la autentificaci\u00f3n password fall\u00f3 para el usuario \u00abada\u00bb", True),
        ("FATAL:  Passwort-Authentifizierung f\u00fcr Benutzer \u00bbada\u00ab fehlgeschlagen", True),
        ("FATAL:  authentification par mot de passe \u00e9chou\u00e9e pour l'utilisateur \u00ab ada \u00bb", True),
        ("FATAL:  autentica\u00e7\u00e3o do tipo senha falhou para usu\u00e1rio", True),
        ('FATAL:  Peer authentication failed for user "ada"', True),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "ada", database "shop", no encryption', True),
        ("FATAL:  sorry, too many clients already", False),
        ("FATAL:  the database system is starting up", False),
        ("connection failed: Connection refused", False),
        ('could not translate host name "db" to address', False),
    ],
)
def test_a_refusal_is_known_by_its_words(words: str, refused: bool) -> None:
    assert bool(_LOGIN_REFUSED.search(words)) is refused


def test_a_source_that_is_down_is_tried_again(reader: str, capsys: pytest.CaptureFixture[str]) -> None:
    url = make_url(reader).set(port=free_port()).render_as_string(hide_password=False)
    with pytest.raises(TransientError) as error:
        read(url, "select 1")
    assert error.value.code == "source_unavailable"
    assert PASSWORD not in error.value.message + "".join(capsys.readouterr())


def test_a_connection_lost_between_rows_is_tried_again(reader: str, database: psycopg.Connection[Any]) -> None:
    def terminate_and_drain(rows: Rows) -> None:
        next(rows.batches)
        database.execute("select pg_terminate_backend(pid)" + OURS)
        drain(rows)

    endless = "select generate_series(1, 1000000000), repeat('x', 1000)"
    with pytest.raises(TransientError), running(source_at(reader), endless) as rows:
        terminate_and_drain(rows)


def test_a_time_limit_of_the_source_is_told_with_its_duration(reader: str, database: psycopg.Connection[Any]) -> None:
    database.execute(f"alter role {make_url(reader).username} set statement_timeout = '200ms'")
    with pytest.raises(PermanentError, match="after 0 seconds, because of a time limit there") as error:
        read(reader, "select pg_sleep(60)")
    assert error.value.code == "source_stopped_query"


def test_no_connection_stays_behind(reader: str, database: psycopg.Connection[Any]) -> None:
    read(reader, "select * from sales")
    with pytest.raises(PermanentError):
        read(reader, "selec")
    until(lambda: database.execute("select count(*)" + OURS).fetchall() == [(0,)], 5, "the connections are gone")
