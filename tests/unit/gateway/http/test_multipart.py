"""Forms: limits, file names, fields, the fingerprint."""

from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.contracts.jobs.jobs import Terms
from bureau.contracts.problems import ProblemError
from bureau.services.gateway.http.parsing.form_values import kinds
from bureau.services.gateway.http.parsing.multipart import Files, MultipartForm, file_errors, read_form, values_of

RULE = Files("files", at_least=1, at_most=3, max_bytes=100)
TERMS = kinds(Terms.model_json_schema())

Part = tuple[str, str | None, bytes]  # name, file name, contents


def body(parts: Sequence[Part], boundary: str = "cut") -> bytes:
    lines = b""
    for name, filename, contents in parts:
        disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
        lines += f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + contents + b"\r\n"
    return lines + f"--{boundary}--\r\n".encode()


def read(*parts: Part, boundary: str = "cut", rule: Files = RULE) -> MultipartForm:
    raw = body(parts, boundary)
    return read_form(BytesIO(raw), boundary, rule, TERMS)


def file(name: str = "a.csv", contents: bytes = b"x") -> Part:
    return ("files", name, contents)


def found(*files: tuple[str, str, int], fields: Sequence[str] = ()) -> list[tuple[str, str | None]]:
    return [(error.code, error.pointer) for error in file_errors(files, fields, RULE)]


def test_files_and_fields_are_read() -> None:
    form = read(file("a.csv", b"one"), ("title", None, "Año".encode()), file("b.csv", b"three"))
    assert [(one.name, one.size, one.file.read()) for one in form.files] == [
        ("a.csv", 3, b"one"),
        ("b.csv", 5, b"three"),
    ]
    assert form.fields == [("title", "Año")]
    assert form.errors == []


@pytest.mark.parametrize(
    ("sent", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\\\rosters\\\\a.csv", "a.csv"),
        ("año 1.csv", "año 1.csv"),
        ("screen\u202fshot.png", "screen_shot.png"),
        ("a<b>.csv", "a_b_.csv"),
    ],
)
def test_the_name_of_a_file_is_made_safe(sent: str, safe: str) -> None:
    form = read(file(sent))
    assert (form.files[0].name, form.errors) == (safe, [])


@pytest.mark.parametrize("name", ["", ".", "..", "a\x01b", "a\x00", "/", "a/.."])
def test_a_name_that_is_none_is_an_error(name: str) -> None:
    assert found(("files", name, 3)) == [("wrong_file", "#/files/0")]


def test_every_error_with_files_is_found() -> None:
    assert found() == [("missing", "#/files")]
    assert found(("files", "a", 0)) == [("wrong_file", "#/files/0")]
    assert found(*[("files", "a", 1)] * 4) == [("too_many", "#/files")]
    assert found(("files", "a", 1), ("other", "b", 1)) == [("unknown_field", "#/other")]
    assert found(("other", "b", 1)) == [("missing", "#/files"), ("unknown_field", "#/other")]
    assert found(fields=["files"]) == [("not_a_file", "#/files")]


def test_too_many_files_are_counted_to_the_last() -> None:
    (error,) = read(*[file() for _ in range(7)]).errors
    assert error.detail == "7 files were sent; MAX_FILES allows 3."


def test_a_file_over_the_limit_is_refused_by_name_and_value() -> None:
    with pytest.raises(ProblemError) as caught:
        read(file("large.csv", b"x" * 101))
    assert caught.value.problem.status == 413
    assert caught.value.problem.detail == "large.csv is 101 bytes; MAX_FILE_BYTES allows 100."
    assert read(file("just.csv", b"x" * 100)).files[0].size == 100


def test_a_large_file_is_not_held_in_memory() -> None:
    rule = Files("files", at_least=1, at_most=1, max_bytes=10_000_000)
    form = read(file("big.bin", b"x" * 2_000_000), rule=rule)
    assert getattr(form.files[0].file, "_rolled", None) is True


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b"--cut\r\n",
        b"--cut\r\nContent-Disposition: form-data\r\n",
        b"--cut\r\nContent-Type: text/plain\r\n\r\nx\r\n--cut--\r\n",
        b'--cut\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\nx',
        b'--cut\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--cut--\r\n',
    ],
)
def test_a_body_that_is_no_form_is_a_400(raw: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        read_form(BytesIO(raw), "cut", RULE, TERMS)
    assert caught.value.problem.status == 400


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_form_or_a_problem(noise: bytes, begun: bool) -> None:
    raw = (b"--cut\r\n" if begun else b"") + noise
    with suppress(ProblemError):
        read_form(BytesIO(raw), "cut", RULE, TERMS)


def test_a_boundary_that_is_not_ascii_is_a_400() -> None:
    with pytest.raises(ProblemError) as caught:
        read_form(BytesIO(b""), "ñ", RULE, TERMS)
    assert caught.value.problem.status == 400


def test_a_field_over_the_limit_and_a_thousand_parts_are_refused() -> None:
    for parts in ([("title", None, b"x" * (4 * 1024 * 1024 + 1))], [("tags", None, b"x")] * 1001):
        with pytest.raises(ProblemError) as caught:
            read(*parts)
        assert caught.value.problem.status == 413


def test_the_fingerprint_is_of_names_file_names_and_contents() -> None:
    first = read(file(), ("title", None, b"x")).fingerprint
    assert read(file(), ("title", None, b"x"), boundary="another").fingerprint == first
    changed = [
        read(file("b.csv"), ("title", None, b"x")),
        read(file("a.csv", b"y"), ("title", None, b"x")),
        read(file(), ("title", None, b"y")),
        read(file(), ("subject", None, b"x")),
        read(file()),
    ]
    assert first not in {form.fingerprint for form in changed}
    assert len({form.fingerprint for form in changed}) == len(changed)


def test_a_file_can_be_read_after_its_fingerprint_was_taken() -> None:
    form = read(file("a.csv", b"contents"))
    assert form.files[0].file.read() == b"contents"


def values(*fields: tuple[str, str]) -> object:
    return values_of(read(file(), *[(name, None, text.encode()) for name, text in fields]), TERMS)


def test_fields_and_options_are_one_object() -> None:
    given_fields = (("tags", "a"), ("tags", "b"), ("priority", "7"), ("options", '{"retry": {"max_attempts": 2}}'))
    assert values(*given_fields) == {"tags": ["a", "b"], "priority": 7, "retry": {"max_attempts": 2}}


@pytest.mark.parametrize(
    ("fields", "status", "pointers"),
    [
        ([("title", "x"), ("options", '{"title": "y"}')], 422, ["#/title"]),
        ([("options", "{}"), ("options", "{}")], 422, ["#/options"]),
        ([("options", "[]")], 422, ["#/options"]),
        ([("options", "{")], 400, []),
        ([("title", "x"), ("title", "y"), ("retry", "{}")], 422, ["#/title", "#/retry"]),
    ],
)
def test_fields_that_contradict_each_other_are_refused(
    fields: list[tuple[str, str]], status: int, pointers: list[str]
) -> None:
    with pytest.raises(ProblemError) as caught:
        values(*fields)
    assert caught.value.problem.status == status
    assert [error.pointer for error in caught.value.problem.errors] == pointers
