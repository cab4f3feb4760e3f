"""docs/http-api.md: every route and object of the OpenAPI document is in it, and it is current."""

import re

import pytest

from bureau.services.http_reference import __main__ as command
from bureau.services.http_reference.types import anchor, default_words, limit_words, type_words

NAMES = {"Task": "Task"}


@pytest.fixture(scope="module")
def page() -> str:
    return command.reference()


def test_the_page_is_what_the_routes_say(page: str) -> None:
    assert command.PAGE.read_text() == page, "run `make docs`"


def test_every_link_on_the_page_has_its_heading(page: str) -> None:
    headings = {anchor(heading) for heading in re.findall(r"^#+ (.+)$", page, re.MULTILINE)}
    assert set(re.findall(r"\(#([^)]+)\)", page)) <= headings


def test_a_submission_names_its_role_its_fields_and_its_problems(page: str) -> None:
    (section,) = re.findall(r"^### POST /v1/reports\n(.*?)^### ", page, re.MULTILINE | re.DOTALL)
    for words in ("Role: `submit`", "Takes `Prefer: wait`", "[terms](#terms)", "| `report` | string | required |"):
        assert words in section
    assert "* `202` [Job](#job): " in section
    assert "`503 no-service`" in section


def test_the_page_does_not_depend_on_the_environment(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_FILES", "7")
    monkeypatch.setenv("PUBLIC_URL", "https://bureau.example.com")
    assert command.reference() == page


def test_check_says_what_to_run_where_the_page_is_old(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--check"]) == 0
    monkeypatch.setattr(command, "reference", lambda: "# Another page\n")
    assert command.main(["--check"]) == 1
    assert "make docs" in capsys.readouterr().err
    assert command.main(["--chekc"]) == 2


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "string"),
        ({"type": "string", "format": "date-time"}, "time"),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "integer or null"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Task"}}, "list of [Task](#task)"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "object of integer"),
        ({"enum": [",", "\t", ""]}, '`,` or `"\\t"` or `""`'),
        ({"const": "once"}, "`once`"),
        ({}, "any"),
    ],
)
def test_a_type_is_put_into_words(schema: dict[str, object], words: str) -> None:
    assert type_words(schema, NAMES) == words


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"minimum": 1, "maximum": 100}, "1 to 100"),
        ({"minItems": 1}, "at least 1"),
        ({"minLength": 1}, "at least 1 character"),
        ({"anyOf": [{"maxLength": 2000}, {"type": "null"}]}, "at most 2,000 characters"),
        ({"exclusiveMinimum": 0, "maximum": 5}, "more than 0, at most 5"),
        ({"maxItems": 5, "items": {"maxLength": 64}}, "at most 5, each at most 64 characters"),
        ({}, ""),
    ],
)
def test_limits_are_put_into_words(schema: dict[str, object], words: str) -> None:
    assert limit_words(schema) == words


def test_a_field_is_required_or_has_a_default() -> None:
    assert default_words({"default": 5}, required=False) == "`5`"
    assert default_words({"default": None}, required=False) == ""
    assert default_words({}, required=True) == "required"
