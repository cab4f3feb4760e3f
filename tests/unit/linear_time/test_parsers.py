"""What a stranger or a client sends: twice the input takes about twice the time, also where all of it is wrong."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from pydantic import BaseModel

from bureau.contracts.base import Contract
from bureau.contracts.catalog import Catalog, TaskDescription
from bureau.contracts.errors import PermanentError
from bureau.contracts.jobs import graph
from bureau.contracts.jobs.jobs import JobSpec, TaskSpec
from bureau.contracts.jobs.references import used_in
from bureau.contracts.mail.addresses import AddressInvalid, parse_mailbox
from bureau.contracts.media_types import MediaType
from bureau.contracts.problems import MAX_ERRORS, ProblemError, first_errors
from bureau.contracts.schemas import Schema
from bureau.services.gateway.http import prefer
from bureau.services.gateway.http.pagination import read_cursor
from bureau.services.gateway.http.parsing.json_body import fingerprint, read_json
from bureau.services.gateway.http.parsing.multipart import Files, read_form
from bureau.services.gateway.http.parsing.validation import Reader
from bureau.services.gateway.providers import sendgrid
from bureau.services.mailer.message.plain_text import plain_text
from bureau.submission.announcements import CatalogSnapshot, KnownTask
from bureau.submission.specs import spec_errors
from tests.support.cpu_time import growth

RATIO = 3.0
SUMA = TaskDescription(
    name="shop.suma",
    queue="shop",
    input_schema={
        "type": "object",
        "properties": {"a": {"type": "integer"}, "list": {"type": "array", "items": {"type": "integer"}}},
        "required": ["a"],
        "additionalProperties": False,
    },
    result_schema={},
)
KNOWN = CatalogSnapshot(Catalog(tasks=[SUMA]), {SUMA.name: KnownTask(SUMA, Schema(SUMA.input_schema))}, {}, {}, {})
RULE = Files("files", at_least=0, at_most=1000, max_bytes=10_000_000)


class Some(Contract):
    """A model with a field of each kind."""

    name: str = ""
    numbers: list[int] = []
    nested: dict[str, Any] = {}


READER: Reader[BaseModel] = Reader(Some)


def refused(work: Callable[[Any], object]) -> Callable[[Any], None]:
    """The work, which refuses what it is given."""

    def do(given: Any) -> None:
        with pytest.raises((ProblemError, PermanentError, AddressInvalid, ValueError)):
            work(given)

    return do


def form(*parts: tuple[str, bytes]) -> bytes:
    pieces = [b"--cut\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (h.encode(), c) for h, c in parts]
    return b"".join(pieces) + b"--cut--\r\n"


def form_of(raw: bytes) -> object:
    return read_form(BytesIO(raw), "cut", RULE, {"text": ""})


def tasks(count: int, **fields: Any) -> list[TaskSpec]:
    return [TaskSpec(name=f"t{n}", run="shop.suma", **fields) for n in range(count)]


def cycles(count: int) -> list[TaskSpec]:
    return [TaskSpec(name=f"t{n}", run="shop.suma", after=[f"t{n ^ 1}"]) for n in range(count)]


def layered(count: int) -> list[TaskSpec]:
    """Each after ten others, and one ring around them all."""
    names = [f"t{n}" for n in range(count)]
    return [TaskSpec(name=names[n], run="shop.suma", after=[names[n - k] for k in range(1, 11)]) for n in range(count)]


def batch_errors(specs: list[JobSpec]) -> object:
    return first_errors(error for spec in specs for error in spec_errors(spec, KNOWN))


def graph_errors(found: list[TaskSpec]) -> object:
    return first_errors(graph.errors(found))


def multiplied(count: int) -> dict[str, Any]:
    return {"all": [{"$result": "/a"}] * count}


CASES: dict[str, tuple[Callable[[Any], object], Callable[[int], Any], int]] = {
    "JSON of nested empty lists": (refused(read_json), lambda n: b"[" + b"[]," * n + b"[]]", 1_000_000),
    "JSON of quotes that are escaped": (refused(read_json), lambda n: b"[" * 300_000 + rb"\"" * n, 1_000_000),
    "JSON of quotes without an end": (refused(read_json), lambda n: b"," * 300_000 + b'"' + b"a," * n, 1_000_000),
    "JSON of many values": (read_json, lambda n: b"[" + b"1," * n + b"1]", 90_000),
    "JSON of many fields": (read_json, lambda n: json.dumps({str(i): i for i in range(n)}).encode(), 40_000),
    "a media type with many parameters": (MediaType.salvage, lambda n: "a/b" + ';x="' * n, 200_000),
    "a fingerprint": (fingerprint, lambda n: {str(i): [i] for i in range(n)}, 40_000),
    "unknown fields": (refused(READER.read), lambda n: {f"field{i}": i for i in range(n)}, 50_000),
    "unknown fields like known ones": (
        refused(READER.read),
        lambda n: {f"nam{'e' * (i % 40)}{i}": i for i in range(n)},
        20_000,
    ),
    "wrong items": (refused(READER.read), lambda n: {"numbers": ["x"] * n}, 50_000),
    "wrong items and unknown fields": (
        refused(READER.read),
        lambda n: {"numbers": ["1"] * n, **{f"f{i}": 1 for i in range(n)}},
        40_000,
    ),
    "unknown parts of a form": (form_of, lambda n: form(*[(f'name="x{i}"', b"y" * 5000) for i in range(n)]), 400),
    "one large unknown part": (form_of, lambda n: form(('name="x"', b"\r\n-" * n)), 1_000_000),
    "a file of line ends": (form_of, lambda n: form(('name="files"; filename="a"', b"\r" * n)), 2_000_000),
    "a part without an end": (refused(form_of), lambda n: b"--cut\r\n" + b"X: y\r\n" * n, 1_000_000),
    "a long Content-Disposition": (form_of, lambda n: form((";x" * n, b"y")), 15_000),
    "cycles of two": (graph_errors, cycles, 400),
    "a ring of tasks": (graph_errors, layered, 400),
    "a batch of wrong tasks": (batch_errors, lambda n: [JobSpec(tasks=tasks(1000, input={"b": 1}))] * n, 3),
    "a batch of right tasks": (batch_errors, lambda n: [JobSpec(tasks=tasks(100, input={"a": 1}))] * n, 5),
    "inputs with many wrong items": (
        batch_errors,
        lambda n: [JobSpec(tasks=tasks(1, input={"a": 1, "list": ["x"] * n}))],
        50_000,
    ),
    "references to nobody": (
        graph_errors,
        lambda n: [TaskSpec(name="a", run="shop.suma", input={"x": [{"$result": "/b"}] * n})],
        20_000,
    ),
    "right references": (
        batch_errors,
        lambda n: [
            JobSpec(
                tasks=[
                    *tasks(1, input={"a": 1}),
                    TaskSpec(
                        name="z",
                        run="shop.suma",
                        after=["t0"],
                        input={"a": 1, "list": [{"$result": "/t0"}] * n + ["x"] * n},
                    ),
                ]
            )
        ],
        10_000,
    ),
    "files that are named": (used_in, lambda n: [{"artifact": "x", "name": "y"}] * n, 40_000),
    "references that multiply": (
        refused(lambda value: graph.resolve(value, {"a": ["x"] * 4000})),
        multiplied,
        20_000,
    ),
    "results put in": (lambda value: graph.resolve(value, {"a": 1}), multiplied, 40_000),
    "an address": (refused(parse_mailbox), lambda n: "<" * n + "a@b.example" + ">" * n, 50_000),
    "a Prefer header": (lambda text: prefer.wait_seconds(text, 30), lambda n: "wait " * n + ", " * n, 20_000),
    "a cursor": (refused(lambda text: read_cursor(text, str)), lambda n: "W1t" * n, 100_000),
    "events of a provider": (sendgrid.events, lambda n: b"[" + b'{"event":"open"},' * n + b"{}]", 20_000),
    "deep events of a provider": (refused(sendgrid.events), lambda n: b"[" * n, 500_000),
    "HTML that is never closed": (plain_text, lambda n: "<a " * n, 40_000),
    "HTML of comments that never end": (plain_text, lambda n: "<!--" * n, 40_000),
    "HTML of declarations": (plain_text, lambda n: "<!x" * n, 40_000),
    "HTML of ends without names": (plain_text, lambda n: "</" * n, 40_000),
    "HTML of scripts that never end": (plain_text, lambda n: "<script>" * n, 40_000),
    "HTML of open quotes": (plain_text, lambda n: "<a b='" * n + ">", 40_000),
    "HTML of attributes": (plain_text, lambda n: "<a " + "b=c " * n + ">", 40_000),
    "HTML of equal signs": (plain_text, lambda n: "<a " + "= " * n + ">", 40_000),
    "HTML of hidden elements": (plain_text, lambda n: "<div hidden>" * n + "</p>" * n, 20_000),
    "HTML of nested links": (plain_text, lambda n: "<a href='https://x'>y" * n + "</a>" * n, 20_000),
    "HTML of blanks": (plain_text, lambda n: "<pre>" + " " * n + "x</pre>", 100_000),
    "HTML of references": (plain_text, lambda n: "&amp;&#x26;&nosuch" * n, 20_000),
    "HTML of small signs": (plain_text, lambda n: "<" * n, 40_000),
}


@pytest.mark.parametrize("name", CASES)
def test_twice_the_input_takes_about_twice_the_time(name: str) -> None:
    work, make, size = CASES[name]
    assert growth(work, make(size), make(2 * size), at_most=RATIO) < RATIO


def test_the_first_of_many_errors_are_listed_with_a_note() -> None:
    with pytest.raises(ProblemError) as caught:
        READER.read({f"field{number}": number for number in range(10_000)})
    problem = caught.value.problem
    assert len(problem.errors) == MAX_ERRORS
    assert "there are further ones" in problem.detail
    assert sum(len(error.detail) for error in problem.errors) < 10_000
