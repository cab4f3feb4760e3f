"""Header lines: folded, encoded, and one line each whatever their value."""

from collections.abc import Callable
from email import message_from_bytes, message_from_string, policy
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.contracts.errors import PermanentError
from bureau.contracts.mail.addresses import Mailbox
from bureau.services.mailer.message.headers import address_header, parameter_header, text_header, token_header

SUBJECTS = [
    "",
    "Hello",
    "Your certificates for the Python course of autumn 2025 are ready, and so is the report about it",
    "Zoë, où êtes-vous? " * 8,
    "証明書の準備ができました" * 12,
    "تقرير المبيعات الشهري جاهز",
    "Отчёт готов",
    "👩‍👩‍👧‍👦 family " * 10,
    "no-spaces-" * 90,
    "x" * 998,
    "=?utf-8?b?bm90IHdoYXQgaXQgc2VlbXM=?=",
    "two  spaces",
    " leading",
    "trailing ",
    "tab\there",
    'semi;colon, comma: and "quotes" <angle>',
]

NAMES = [
    "Ada",
    "Ada B. Lovelace",
    "Lovelace, Ada",
    'Ada "Countess" \\ Lovelace',
    "Zoë Ünïcode, Dr.",
    "王小明",
    "=?utf-8?q?x?=",
    "a@b.example",
    "long " * 40 + "name",
]

FILE_NAMES = [
    "report.csv",
    "monthly report (1).csv",
    'q"uote\\.csv',
    "umsätze.csv",
    "売上" * 40 + ".csv",
    "x" * 150,
    "100%25.csv",
    "a;b=c'd.csv",
]

printable = st.text(st.characters(blacklist_categories=["Cc", "Cs"]), max_size=300)


def _lines(header: str) -> list[str]:
    header.encode("ascii")
    assert header.endswith("\r\n")
    lines = header.removesuffix("\r\n").split("\r\n")
    assert all(line.startswith(" ") and line.strip() for line in lines[1:])
    return lines


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_comes_back_as_it_was(subject: str) -> None:
    header = text_header("Subject", subject)
    assert max(map(len, _lines(header))) <= 78
    assert message_from_string(f"{header}\r\n", policy=policy.default)["Subject"] == subject


@given(subject=printable)
def test_any_subject_comes_back_as_it_was(subject: str) -> None:
    header = text_header("Subject", subject)
    _lines(header)
    assert str(make_header(decode_header(message_from_string(f"{header}\r\n")["Subject"]))) == subject


@pytest.mark.parametrize("name", NAMES)
def test_a_name_comes_back_as_it_was_and_the_next_address_too(name: str) -> None:
    header = address_header("To", [Mailbox(name, "ada@example.com"), Mailbox("", "bob@example.com")])
    assert max(map(len, _lines(header))) <= 78
    parsed = message_from_string(f"{header}\r\n", policy=policy.default)["To"].addresses
    # Python's parser leaves a space between the encoded words of a long name; RFC 2047, section 6.2 says not to.
    assert [box.addr_spec for box in parsed] == ["ada@example.com", "bob@example.com"]
    assert parsed[0].display_name.replace(" ", "") == name.replace(" ", "")


@pytest.mark.parametrize("name", NAMES)
def test_an_address_in_another_script_stands_as_it_is_and_its_name_in_ascii(name: str) -> None:
    header = address_header("To", [Mailbox(name, "用户@example.com"), Mailbox("", "josé@example.com")])
    assert [word for word in header.split() if not word.isascii()] in (
        ["<用户@example.com>,", "josé@example.com"],
        ["用户@example.com,", "josé@example.com"],
    )
    assert [address for _, address in getaddresses([header.partition(": ")[2]])] == [
        "用户@example.com",
        "josé@example.com",
    ]


@pytest.mark.parametrize("name", ["", *NAMES])
def test_an_address_that_ascii_cannot_express_is_named_in_words(name: str) -> None:
    boxes = [Mailbox(name, "用户@example.com"), Mailbox("Bob", "bob@example.com")]
    header = address_header("To", boxes, ascii_only=True)
    assert max(map(len, _lines(header))) <= 78
    parsed = message_from_string(f"{header}\r\n", policy=policy.default)["To"]
    assert [box.addr_spec for box in parsed.addresses] == ["bob@example.com"]
    shown = parsed.groups[0].display_name.replace(" ", "")
    assert shown == f"Internationalizedaddress{name}用户@example.comremoved".replace(" ", "")


@pytest.mark.parametrize("name", FILE_NAMES)
def test_a_file_name_comes_back_as_it_was(name: str) -> None:
    header = parameter_header("Content-Disposition", "attachment", {"filename": name})
    assert max(map(len, _lines(header))) <= 200
    assert message_from_bytes(f"{header}\r\n".encode(), policy=policy.default).get_filename() == name


@given(name=printable.filter(lambda text: text.strip() == text and text != ""))
def test_any_file_name_comes_back_as_it_was(name: str) -> None:
    header = parameter_header("Content-Disposition", "attachment", {"filename": name})
    _lines(header)
    assert message_from_bytes(f"{header}\r\n".encode()).get_filename() == name


@pytest.mark.parametrize("bad", ["a\r\nBcc: eve@example.com", "a\nb", "a\rb", "a\0b", "a\x7fb", "a\x1bb"])
def test_a_line_break_in_a_value_is_refused_by_name(bad: str) -> None:
    makers: list[Callable[[], str]] = [
        lambda: text_header("Subject", bad),
        lambda: token_header("Subject", bad),
        lambda: address_header("Subject", [Mailbox(bad, "ada@example.com")]),
        lambda: address_header("Subject", [Mailbox("", bad)]),
        lambda: parameter_header("Subject", "attachment", {"filename": bad}),
    ]
    for make in makers:
        with pytest.raises(PermanentError, match=r"^subject.*line break") as caught:
            make()
        assert caught.value.code == "mail_header_invalid"


@pytest.mark.parametrize("separator", ["\u0085", "\u009f", "\u2028", "\u2029"])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_unicode_line_break_in_an_address_is_refused(separator: str, ascii_only: bool) -> None:
    with pytest.raises(PermanentError, match="line break"):
        address_header("To", [Mailbox("", f"josé{separator}Bcc:eve@example.com")], ascii_only=ascii_only)


@given(name=st.text(max_size=40), local=st.text(max_size=40))
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_mailbox_makes_one_header_or_none(ascii_only: bool, name: str, local: str) -> None:
    try:
        header = address_header("To", [Mailbox(name, f"{local}@example.com")], ascii_only=ascii_only)
    except (PermanentError, UnicodeEncodeError):
        return
    first, *rest = header.removesuffix("\r\n").splitlines()
    assert first.startswith("To: ")
    assert all(line.startswith(" ") for line in rest)
