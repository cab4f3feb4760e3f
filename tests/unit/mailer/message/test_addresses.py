"""Addresses as people write them."""

from unicodedata import category, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.contracts.errors import PermanentError
from bureau.contracts.mail.addresses import AddressInvalid, Mailbox, folded, parse_mailbox
from bureau.services.mailer.message.addresses import mailboxes
from bureau.services.mailer.message.headers import address_header

READ = [
    ("ada@example.com", Mailbox("", "ada@example.com")),
    ("  ada@example.com ", Mailbox("", "ada@example.com")),
    ("<ada@example.com>", Mailbox("", "ada@example.com")),
    ("Ada <ada@example.com>", Mailbox("Ada", "ada@example.com")),
    ("Ada B. Lovelace <ada@example.com>", Mailbox("Ada B. Lovelace", "ada@example.com")),
    ("Lovelace, Ada <ada@example.com>", Mailbox("Lovelace, Ada", "ada@example.com")),
    ('"Lovelace, Ada" <ada@example.com>', Mailbox("Lovelace, Ada", "ada@example.com")),
    (r'"a\"b\\c" <ada@example.com>', Mailbox(r'a"b\c', "ada@example.com")),
    ("王小明 <wang@例え.jp>", Mailbox("王小明", "wang@xn--r8jz45g.jp")),
    ("Zoë <zoe@Bücher.EXAMPLE>", Mailbox("Zoë", "zoe@xn--bcher-kva.example")),
    ("Ada@EXAMPLE.com", Mailbox("", "Ada@example.com")),
    ("bureau@localhost", Mailbox("", "bureau@localhost")),
    ("x@Mail.Test", Mailbox("", "x@mail.test")),
    ("x@printer.local", Mailbox("", "x@printer.local")),
    ("用户@example.com", Mailbox("", "用户@example.com")),
    ("José <josé@Bücher.EXAMPLE>", Mailbox("José", "josé@xn--bcher-kva.example")),
    ("jose\u0301@example.com", Mailbox("", "jos\u00e9@example.com")),  # composed: NFC
    ("пример@localhost", Mailbox("", "пример@localhost")),
    ("अजय.कुमार@example.com", Mailbox("", "अजय.कुमार@example.com")),
    (f"{'é' * 32}@example.com", Mailbox("", f"{'é' * 32}@example.com")),  # 64 octets
    ("o'brien+lists@example.com", Mailbox("", "o'brien+lists@example.com")),
]

REFUSED = [
    "",
    "ada",
    "ada@",
    "@example.com",
    "a..b@example.com",
    "a b@example.com",
    "ada@-example.com",
    "ada@example..com",
    "ada@.test",
    "a@b@localhost",
    "ada@[127.0.0.1]",
    '"a b"@example.com',
    '"josé b"@example.com',
    "jos\u00e9\u200b@example.com",  # a zero width space
    "jos\u00e9\u202ea@example.com",  # what follows shows from right to left
    "jos\u00e9\u0085Bcc:bob@example.com",  # some readers break lines here
    "jos\u00e9\u2028bcc@example.com",
    "josé\u00a0b@example.com",
    "\u0301a@example.com",  # nothing to combine with
    "a\u037eb@example.com",  # composed it is a semicolon
    "josé\ud800@example.com",
    f"{'é' * 33}@example.com",
    f"{'a' * 65}@example.com",
    f"{'é' * 30}@{'.'.join(['b' * 60] * 3)}.{'c' * 10}.com",
    "ada@x.invalid",
    "ada@example.com, bob@example.com",
    "ada@example.com>, <bob@example.com",
    "Ada <ada@example.com> Bob",
    "<<ada@example.com>>",
    'A"da <ada@example.com>',
    "Ada\x07 <ada@example.com>",
    "ada@example.com\r\nBcc: bob@example.com",
    "Ada\nBcc: bob@example.com <ada@example.com>",
    "Ada\0 <ada@example.com>",
    f"{'a' * 65}@{'b' * 250}.com",
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_an_address_is_read(text: str, expected: Mailbox) -> None:
    assert parse_mailbox(text) == expected


@pytest.mark.parametrize("text", REFUSED)
def test_an_invalid_address_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(AddressInvalid, match=r"\w+ \w+"):
        parse_mailbox(text)


def test_an_error_names_field_value_rule_and_mend() -> None:
    with pytest.raises(PermanentError) as caught:
        mailboxes("cc", ["ada@example.com", "bob@"])
    assert caught.value.code == "mail_address_invalid"
    assert caught.value.message.startswith("cc/1: 'bob@' is not an e-mail address: There must be something after")
    assert "Write it as ada@example.com" in caught.value.message


def test_an_address_is_measured_in_octets_of_what_goes_out() -> None:
    with pytest.raises(AddressInvalid, match="before the @ has 66 octets in UTF-8, more than 64"):
        parse_mailbox(f"{'é' * 33}@example.com")
    with pytest.raises(AddressInvalid, match="54 bytes too many"):
        parse_mailbox(f"{'é' * 32}@{'ü.' * 30}com")  # which goes out as xn--tda.xn--tda…


@given(text=st.text(max_size=40), place=st.integers(0, 40))
@pytest.mark.parametrize("whole", ["josé@example.com", "用户 <用户@例え.jp>", '"Zoë, Dr." <zoë@example.com>'])
def test_no_address_that_is_taken_holds_a_control_character_or_a_line_break(whole: str, text: str, place: int) -> None:
    try:
        box = parse_mailbox(whole[:place] + text + whole[place:])
    except AddressInvalid:
        return
    assert not any(category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in box.address)
    assert box.address == normalize("NFC", box.address)
    assert len(address_header("To", [box]).splitlines()) == len(address_header("To", [box]).split("\r\n")) - 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ada@example.com", "ada@example.com", True),
        ("JOSÉ@example.com", "jose\u0301@example.com", True),
        ("ПРИМЕР@example.com", "пример@example.com", True),
        ("straße@example.com", "strasse@example.com", False),
        ("josé@example.com", "jose@example.com", False),
    ],
)
def test_addresses_that_differ_by_case_or_composition_are_one(one: str, other: str, same: bool) -> None:
    assert (folded(one) == folded(other)) is same


def test_an_address_given_twice_is_kept_once() -> None:
    assert mailboxes("to", ["josé@example.com", "JOSE\u0301@example.com"]) == (Mailbox("", "josé@example.com"),)
    assert mailboxes("to", ["Ada <ada@example.com>", "ADA@example.com", "bob@example.com"]) == (
        Mailbox("Ada", "ada@example.com"),
        Mailbox("", "bob@example.com"),
    )
