"""Tests that log records have one shape, carry their context, and contain no credentials."""

import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from bureau.observability import logs
from bureau.secrets import redaction
from bureau.settings import LogSettings, PlatformSettings, load

Configure = Callable[..., None]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Logging is the whole process's: what a test configures is taken back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    quieter = {name: logging.getLogger(name).level for name in ("pika", "httpx", "httpcore", "alembic", "sqlalchemy")}
    hooks = sys.excepthook, threading.excepthook
    structlog.contextvars.clear_contextvars()  # of tests before, in this thread
    yield
    sys.excepthook, threading.excepthook = hooks
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in quieter.items():
        logging.getLogger(name).setLevel(before)
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def configure(**settings: str) -> None:
    logs.configure(LogSettings(**settings))  # type: ignore[arg-type]  # validated there


def records(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_record_is_one_json_line_with_time_level_and_logger(capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_format="json")
    structlog.get_logger("bureau.messaging.relay").info("published", queue="mailer", count=3)

    (record,) = records(capsys)
    assert record.pop("at").endswith("Z")
    assert record == {
        "event": "published",
        "level": "info",
        "logger": "bureau.messaging.relay",
        "queue": "mailer",
        "count": 3,
    }


def test_records_of_the_standard_library_look_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_format="json")
    logging.getLogger("dramatiq.worker").warning("Worker %s is slow", "w-1")

    (record,) = records(capsys)
    assert (record["event"], record["level"], record["logger"]) == ("Worker w-1 is slow", "warning", "dramatiq.worker")


def test_every_record_has_the_values_bound_to_the_context(capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_format="json")
    with structlog.contextvars.bound_contextvars(request_id="r-1", job_id="j-1", task_id="t-1", claim_no=2):
        structlog.get_logger().info("ours")
        logging.getLogger("sendgrid").info("theirs")
    structlog.get_logger().info("after")

    *inside, after = records(capsys)
    for record in inside:
        assert [record[k] for k in ("request_id", "job_id", "task_id", "claim_no")] == ["r-1", "j-1", "t-1", 2]
    assert "job_id" not in after


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_traceback_shows_no_local_variables(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_format=log_format)

    def fail(password: str) -> None:
        raise RuntimeError("it broke")

    try:
        fail("hunter2" + "!")
    except RuntimeError:
        structlog.get_logger().exception("ours")
        logging.getLogger("theirs").exception("theirs")

    written = capsys.readouterr().err
    assert written.count("RuntimeError: it broke") == 2
    assert "hunter2!" not in written


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_credentials_in_urls_are_scrubbed_wherever_they_are(
    log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(log_format=log_format)
    url = "amqp://bureau:hunter2@rabbit:5672/vhost"
    try:
        raise ConnectionError(f"cannot reach {url}")
    except ConnectionError as error:
        structlog.get_logger().exception(f"lost {url}", url=url, urls=[url], error=error)
        logging.getLogger("theirs").exception("lost %s", url)

    written = capsys.readouterr().err
    assert "hunter2" not in written
    assert "amqp://***@rabbit:5672/vhost" in written


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("amqp://u:p@h/v", "amqp://***@h/v"),
        ("redis://:p@h", "redis://***@h"),
        ("https://token@h/x", "https://***@h/x"),
        ("postgresql://u:p/a@ss:w%40rd@h/d", "postgresql://***@h/d"),
        ("one amqp://u:p@h, two smtp://v:q@i end", "one amqp://***@h, two smtp://***@i end"),
        ('{"url": "amqp://u:pä\\\\ss@h", "to": "ada@example.com"}', '{"url": "amqp://***@h", "to": "ada@example.com"}'),
        ("mail ada@example.com about http://h:80/path", "mail ada@example.com about http://h:80/path"),
        ("file:///srv/a", "file:///srv/a"),
        ("{'Authorization': 'Bearer abc.def-123=='}", "{'Authorization': 'Bearer ***'}"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"),
        ("Bearer of news", "Bearer of news"),
        ("http://h/?to=ada@example.com", "http://h/?to=ada@example.com"),
    ],
)
def test_scrubbing_removes_credentials_and_keeps_the_rest(text: str, scrubbed: str) -> None:
    assert redaction.scrub(text) == scrubbed


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("Bearer bureau_ab12_" + "S" * 43, "Bearer bureau_ab12_***"),
        ("GET /v1/jobs/7?token=WyJqb2Ii.x-_y&limit=1 200", "GET /v1/jobs/7?token=***&limit=1 200"),
        ("https://b.example/v1/jobs/7?limit=1&token=abc", "https://b.example/v1/jobs/7?limit=1&token=***"),
        ("the database bureau_worker", "the database bureau_worker"),
        ("the role bureau_worker_reports", "the role bureau_worker_reports"),
    ],
)
def test_scrubbing_removes_api_keys_and_tokens_of_links(text: str, scrubbed: str) -> None:
    assert redaction.scrub(text) == scrubbed


@pytest.mark.timeout(5)
def test_scrubbing_stays_fast_on_hostile_text() -> None:
    redaction.scrub("://a:" * 20_000)


def test_text_that_utf8_cannot_hold_does_not_break_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_format="json")
    structlog.get_logger().info("read", name="bad\udcff.csv")
    assert "bad" in capsys.readouterr().err


def test_text_for_people_is_one_line_with_the_values(capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_format="text")
    structlog.get_logger("bureau").info("published", queue="mailer")
    (line,) = capsys.readouterr().err.splitlines()
    assert "published" in line
    assert "queue=mailer" in line


@pytest.mark.parametrize(("terminal", "first"), [(True, "2"), (False, "{")])
def test_format_auto_is_text_on_a_terminal_and_json_elsewhere(
    terminal: bool, first: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.isatty", lambda _: terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    configure(log_format="auto")
    structlog.get_logger().info("hello")
    assert capsys.readouterr().err[0] == first


def test_the_level_applies_to_structlog_and_logging_and_pika_stays_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_format="json", log_level="WARNING")
    structlog.get_logger().info("ours")
    logging.getLogger("theirs").info("theirs")
    logging.getLogger("pika.adapters").error("refused, for the seventh time")
    logging.getLogger("theirs").warning("kept")
    assert [record["event"] for record in records(capsys)] == ["kept"]


def test_a_logger_made_before_is_configured_too(capsys: pytest.CaptureFixture[str]) -> None:
    log = structlog.get_logger("early")
    configure(log_format="json")
    log.info("hello")
    assert records(capsys)[0]["logger"] == "early"


def test_configuring_twice_writes_each_record_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure(log_format="json")
    configure(log_format="json")
    structlog.get_logger().info("once")
    assert len(records(capsys)) == 1


def test_handlers_that_gunicorn_made_are_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    gunicorn = logging.getLogger("gunicorn.error")
    gunicorn.addHandler(logging.StreamHandler())
    gunicorn.propagate = False
    configure(log_format="json")
    gunicorn.error("worker timeout")
    assert [record["event"] for record in records(capsys)] == ["worker timeout"]


def test_python_warnings_are_records(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        configure(log_format="json")
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert records(capsys)[0]["logger"] == "py.warnings"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test has kept secret is said again after it."""


def test_secrets_of_the_settings_are_scrubbed_wherever_they_stand(
    kept: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BROKER_URL", "amqp://bureau:s3cret%2Fpass@rabbit/")
    load(PlatformSettings)
    redaction.keep(['quo"ted-secret'])
    configure(log_format="json")
    structlog.get_logger().info("tried s3cret/pass", sent="s3cret%2Fpass", other='quo"ted-secret')

    (record,) = records(capsys)
    assert (record["event"], record["sent"], record["other"]) == ("tried ***", "***", "***")


def test_a_secret_of_another_service_in_the_environment_is_scrubbed_too(
    kept: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "an-api-key-of-others")
    configure(log_format="json")
    structlog.get_logger().info("tried an-api-key-of-others")
    assert records(capsys)[0]["event"] == "tried ***"


def test_each_of_several_addresses_has_its_password_hidden(kept: None) -> None:
    redaction.keep(["amqp://a:first-secret@h;amqps://b:second-secret@h", "smtp://a:third-secret@h,sendgrid://"])
    assert redaction.scrub("first-secret second-secret third-secret") == "*** *** ***"


def test_a_password_that_is_short_or_equals_the_user_name_is_not_redacted(kept: None) -> None:
    redaction.keep(["amqp://postgres:postgres@h", "amqp://u:guest@h", "sqlite:///var/bureau.db", ""])
    assert redaction.scrub("a guest of postgres, var/bureau.db") == "a guest of postgres, var/bureau.db"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ends_because_of_an_error_logs_a_record(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise ConnectionError("no way to amqp://u:hunter22@h")

    configure(log_format="json")
    thread = threading.Thread(target=fail, name="reader")
    thread.start()
    thread.join()

    (record,) = records(capsys)
    assert (record["event"], record["level"]) == ("thread reader ends because of an error", "critical")
    assert "amqp://***@h" in record["exception"]
    assert "hunter22" not in str(record)
