"""Media types with parameters: what is kept, what is refused, and that no header can be smuggled in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.contracts.media_types import LONGEST, MediaType

CALENDAR = {"method": "REQUEST"}


@pytest.mark.parametrize(
    ("text", "kind", "parameters"),
    [
        ("text/calendar; method=REQUEST", "text/calendar", CALENDAR),
        ("Text/Calendar;METHOD=REQUEST", "text/calendar", CALENDAR),
        (
            'text/calendar; charset=utf-8; method="REQUEST"; component=VEVENT',
            "text/calendar",
            {"charset": "utf-8", "method": "REQUEST", "component": "VEVENT"},
        ),
        ("application/pdf; name=plan.pdf", "application/pdf", {"name": "plan.pdf"}),
        ('application/pdf; name="the plan; \\"final\\".pdf"', "application/pdf", {"name": 'the plan; "final".pdf'}),
        ("application/pdf; name*=utf-8''%C3%BCbersicht.pdf", "application/pdf", {"name": "übersicht.pdf"}),
        ("application/pdf; name*=ISO-8859-1'de'%FCbersicht.pdf", "application/pdf", {"name": "übersicht.pdf"}),
        ('application/pdf; name="übersicht.pdf"', "application/pdf", {"name": "übersicht.pdf"}),
        ("multipart/signed; protocol=application.pgp; micalg=pgp-sha256", "multipart/signed", None),
        ('text/plain; format=flowed; delsp="yes" ; ', "text/plain", {"format": "flowed", "delsp": "yes"}),
        ("text/csv;;", "text/csv", {}),
        ("a/b; x=1; X=2", "a/b", {"x": "1"}),
    ],
)
def test_a_media_type_is_read_with_its_parameters(text: str, kind: str, parameters: dict[str, str] | None) -> None:
    parsed = MediaType.parse(text)
    assert parsed.kind == kind
    assert parameters is None or parsed.parameters == parameters
    assert MediaType.parse(str(parsed)) == parsed == MediaType.salvage(text)
    assert str(parsed).isascii()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "csv",
        "text/",
        "text/csv\r\nX: y",
        "text/csv; a=b\r\nX: y",
        'text/csv; a="b\r\nX: y"',
        "text/csv; a*=utf-8''b%0D%0AX:%20y",
        "text/csv; a*=utf-8''%FF",
        "text/csv; a*=utf-16''%FF",
        "text/csv; a*0=b; a*1=c",
        'text/csv; a="b\0"',
        'text/csv; a="b\u2028c"',
        'text/csv; a="b\ud800"',
        'text/csv; a="b',
        'text/csv; a="b"c; d=e',
        "text/csv; a",
        "text/csv; =b",
        "text/csv; a=",
        "text/csv; a b=c",
        "text/csv; a=two words",
        "text/csv; ö",
        "text/ö",
        "text/" + "x" * 251,
        "text/csv; a=" + "x" * LONGEST,
    ],
)
def test_an_invalid_media_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"media type|name=value|at most 255"):
        MediaType.parse(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("text/calendar; method=REQUEST; a=b\r\nX-Evil: 1", "text/calendar; method=REQUEST"),
        ('application/pdf; name="a\r\nBcc: eve@example.com"; x=1', "application/pdf; x=1"),
        ("application/pdf; name=my plan.pdf", 'application/pdf; name="my plan.pdf"'),
        ("application/pdf; name=übersicht.pdf", "application/pdf; name*=utf-8''%C3%BCbersicht.pdf"),
        ('text/csv; a="b; c=d', "text/csv; c=d"),
        ("text/csv; name=" + "x" * LONGEST + "; charset=utf-8", "text/csv; charset=utf-8"),
    ],
)
def test_the_valid_part_of_a_foreign_media_type_is_kept(text: str, kept: str) -> None:
    assert str(MediaType.salvage(text)) == kept


@given(st.text(alphabet="a/;=\"\\\r\n\0 *'%0Aé", max_size=60))
def test_no_text_makes_more_than_one_line_of_ascii(text: str) -> None:
    parsed = MediaType.salvage(f"text/csv; {text}")
    assert parsed is not None
    written = str(parsed)
    assert written.isascii()
    assert written.isprintable()
    assert MediaType.parse(written) == parsed
