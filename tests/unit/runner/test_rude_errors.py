"""Whatever a task raises or returns, one end is written, and it is bounded, without secrets and told in words."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel, field_validator, model_serializer

from bureau.contracts.errors import ErrorDetail, PermanentError, Postponed, TaskError, TransientError
from bureau.ledger.jobs import finish
from bureau.runtime.execution.raised_error import TRACEBACK_CHARACTERS, plain_error
from bureau.secrets import redaction
from bureau.task import Context
from tests.support.ledger.book import attempts_at_most, task
from tests.unit.runner.conftest import Bench
from tests.unit.runner.test_outcomes import raising


class Rude(Exception):
    """Cannot be put into words."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class Leaving(Exception):
    """Ends the process that asks what it is."""

    def __str__(self) -> str:
        raise SystemExit(3)

    __repr__ = __str__


class Liar(Exception):
    """Raises whenever somebody looks at what it is."""

    @property
    def __class__(self) -> Any:
        raise RuntimeError("no class")

    @__class__.setter
    def __class__(self, _kind: Any) -> None:
        raise RuntimeError("no class")

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(f"no {name}")


class Nameless(type):
    """Makes classes that do not tell their names."""

    @property
    def __name__(cls) -> Any:  # type: ignore[override]
        raise RuntimeError("no name")


def of_no_name() -> BaseException:
    """An exception that does not tell the name of its class, not even to pytest."""
    made: BaseException = Nameless("OfNoName", (Exception,), {})()
    return made


class Text(str):
    """Is a text that lies about itself."""

    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __len__(self) -> int:
        raise RuntimeError("no length")


class Endless(Exception):
    """Has words of many megabytes."""

    def __str__(self) -> str:
        return "amqp://user:hidden-password@host " * 300_000


class Careless(TransientError):
    """Has none of the fields of a typed error."""

    def __init__(self) -> None:
        pass


def permanent(**fields: Any) -> PermanentError:
    """A typed error whose fields were overwritten."""
    error = PermanentError("odd", "Odd.")
    for name, value in fields.items():
        setattr(error, name, value)
    return error


def postponed(delay: Any) -> Postponed:
    error = Postponed("odd", "Odd.", delay=1)
    error.delay = delay
    return error


def around() -> Exception:
    """An error that was caused by itself."""
    error = ValueError("around")
    error.__cause__ = RuntimeError("and around")
    error.__cause__.__cause__ = error
    return error


def deep() -> None:
    deep()


RUDE: list[Callable[[], BaseException]] = [
    Rude,
    Leaving,
    Liar,
    of_no_name,
    Endless,
    around,
    Careless,
    KeyboardInterrupt,
    GeneratorExit,
    lambda: SystemExit(None),
    lambda: ExceptionGroup("both", [Rude(), ValueError("x" * 1_000_000)]),
    lambda: BaseExceptionGroup("all", [KeyboardInterrupt(), Liar()]),
    lambda: ValueError("\x00 and \ud800"),
    lambda: ValueError(Rude()),
    lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "\udcff"),
    lambda: postponed(float("nan")),
    lambda: postponed("soon"),
]


@pytest.mark.parametrize("make", RUDE)
def test_whatever_is_raised_is_tried_again_and_fails_after_the_last_attempt(
    bench: Bench, make: Callable[[], BaseException]
) -> None:
    bench.serve(raising(make()))
    job_id = bench.book.submit(attempts_at_most(2))
    for _ in range(2):
        bench.book.make_due(bench.book.task(job_id).id)
        bench.give(job_id)
    row = bench.book.task(job_id)
    assert (row.state, row.error["code"], row.error["retryable"]) == ("failed", "unexpected_error", True)
    assert bench.book.outcomes(job_id) == ["retry", "failed"]
    assert 0 < len(row.error["message"]) < 700
    assert "hidden-password" not in str(row.error)
    assert (bench.runner.pace.busy, bench.heartbeat.executions()) == (0, [])


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"code": "Not A Code"}, "unexpected_error", "Odd."),
        ({"code": ["a", "list"]}, "unexpected_error", "Odd."),
        ({"code": Text("odd")}, "odd", "Odd."),
        ({"message": Text("Text.")}, "odd", "Text."),
        ({"message": b"bytes"}, "odd", "shop.work raised PermanentError: Odd."),
        ({"message": "x" * 10_000_000}, "odd", "x" * 4000),
        ({"message": "\x00 and \ud800"}, "odd", " and \N{REPLACEMENT CHARACTER}"),
        ({"details": 7}, "odd", "Odd."),
        ({"details": [7]}, "unexpected_error", "shop.work raised an error that cannot be put into words."),
    ],
)
def test_a_typed_error_with_odd_fields_keeps_what_can_be_kept(
    bench: Bench, fields: dict[str, Any], code: str, message: str
) -> None:
    bench.serve(raising(permanent(**fields)))
    job_id = bench.book.submit(attempts_at_most(1))
    bench.give(job_id)
    row = bench.book.task(job_id)
    assert (row.state, row.error["code"], row.error["message"]) == ("failed", code, message)


def test_odd_details_are_made_plain(bench: Bench) -> None:
    odd: Any = [ErrorDetail("x" * 10_000, file=7, line=float("nan"), column="\x00"), ("a",), ("b", None, 2**80)]  # type: ignore[arg-type]
    job_id = bench.run(raising(permanent(details=odd)))
    first, second, third = bench.book.task(job_id).error["details"]
    assert first == {"message": "x" * 500, "file": "7", "line": None, "column": ""}
    assert (second["message"], third["line"]) == ("a", None)


@pytest.mark.parametrize("code", ["", "Big", "with space", "x" * 65, "é", 7, None, Rude])
def test_an_author_is_told_of_a_code_that_is_none(code: Any) -> None:
    with pytest.raises(ValueError, match="snake_case"):
        TaskError(code, "A message.")


@pytest.mark.parametrize("seconds", ["soon", None, [], 1j])
def test_an_author_is_told_of_a_delay_that_is_none(seconds: Any) -> None:
    with pytest.raises(ValueError, match="delay is a number of seconds"):
        Postponed("closed", "Closed.", delay=seconds)


def test_a_message_is_a_text_of_bounded_length() -> None:
    problem: Any = ValueError("made a message")
    assert TaskError("odd", problem).message == "made a message"
    assert len(TaskError("odd", "x" * 10_000_000).message) == 4000


class Unhelpful(BaseModel):
    """Cannot be written as JSON."""

    @model_serializer
    def _raise(self) -> Any:
        raise Rude


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def myself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "make", [lambda: nested(100_000), myself, lambda: {Rude(): 1}, lambda: [Rude()], lambda: 10**5000]
)
def test_a_result_that_is_no_json_fails_the_task(bench: Bench, make: Callable[[], Any]) -> None:
    def work(ctx: Context) -> Any:
        return make()

    job_id = bench.run(work)
    row = bench.book.task(job_id)
    assert (row.state, row.error["code"]) == ("failed", "result_not_json")
    assert len(row.error["message"]) <= 4000


def test_a_result_whose_own_code_raises_is_an_error_of_the_task(bench: Bench) -> None:
    def work(ctx: Context) -> Unhelpful:
        return Unhelpful()

    job_id = bench.run(work)
    assert bench.book.task(job_id).state in ("ready", "failed")
    assert bench.book.outcomes(job_id) != []


def test_an_input_whose_own_check_raises_is_an_error_of_the_task(bench: Bench) -> None:
    class Order(BaseModel):
        number: int

        @field_validator("number")
        @classmethod
        def _check(cls, _number: int) -> int:
            raise Rude

    def work(ctx: Context, order: Order) -> None:
        raise AssertionError("not called")

    bench.serve(work)
    job_id = bench.book.submit(task(input={"number": 1}))
    bench.give(job_id)
    assert (bench.book.task(job_id).state, bench.book.task(job_id).failures) == ("ready", 1)


def test_a_progress_that_is_no_number_of_json_ends_all_the_same(bench: Bench) -> None:
    def work(ctx: Context) -> None:
        ctx.progress(-1e300, 1e-300)

    assert bench.book.task(bench.run(work)).state == "succeeded"


def test_a_failure_that_cannot_be_written_is_written_more_plainly(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of the task has something in it that the ledger refuses; nothing of it is left in the second try."""

    def work(ctx: Context) -> None:
        raise PermanentError("odd", "Odd.")

    refused = failing(monkeypatch, times=2)
    job_id = bench.run(work)
    assert refused() == 2
    assert (bench.book.task(job_id).state, bench.book.task(job_id).error["code"]) == ("failed", "not_storable")


def test_a_claim_whose_end_cannot_be_written_at_all_is_given_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process lives on, so no lease would tell; in the embedded process none ends."""
    failing(monkeypatch, times=1000)
    job_id = bench.run(raising(ValueError("any")))
    row = bench.book.task(job_id)
    assert (row.state, row.crashes) == ("ready", 1)
    assert bench.book.outcomes(job_id) == ["crashed"]


def failing(monkeypatch: pytest.MonkeyPatch, *, times: int) -> Callable[[], int]:
    """Makes the next finishes raise; each is tried in a group first, then alone."""
    calls = 0
    whole = finish._finish

    def broken(*arguments: Any, **keywords: Any) -> Any:
        nonlocal calls
        if calls < times:
            calls += 1
            raise ValueError("the ledger takes none of it")
        return whole(*arguments, **keywords)

    monkeypatch.setattr(finish, "_finish", broken)
    return lambda: calls


@pytest.fixture
def known_secret() -> Iterator[str]:
    secret = "s3cret-of-this-process"
    before = set(redaction._known_secrets)
    redaction.keep([secret])
    yield secret
    redaction._known_secrets.clear()
    redaction._known_secrets.update(before)


@pytest.mark.parametrize("before", range(490, 510))
def test_no_half_of_a_secret_stands_at_the_end_of_a_cut_message(known_secret: str, before: int) -> None:
    told = plain_error(ValueError("x" * before + known_secret + "y" * 20_000), "shop.work")
    assert known_secret[:6] not in told.error.message
    assert told.traceback is not None
    assert known_secret[:6] not in told.traceback
    assert len(told.traceback) <= TRACEBACK_CHARACTERS + 3


def test_a_recursion_has_a_short_traceback(bench: Bench) -> None:
    try:
        deep()
    except RecursionError as error:
        told = plain_error(error, "shop.work")
    assert told.traceback is not None
    assert len(told.traceback) <= TRACEBACK_CHARACTERS + 3
    assert told.traceback.endswith("maximum recursion depth exceeded")


def test_many_rude_tasks_end_while_others_work(bench: Bench) -> None:
    """Each in a thread of its own, as in a worker: no thread is lost to one."""
    bench.serve(raising(Rude()))
    jobs = [bench.book.submit(attempts_at_most(1)) for _ in range(8)]
    threads = [threading.Thread(target=bench.give, args=[job_id]) for job_id in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [bench.book.task(job_id).state for job_id in jobs] == ["failed"] * 8
