"""Addresses as people write them."""

import pytest

from bureau.contracts.addresses import AddressInvalid, Mailbox, parse_mailbox
from bureau.contracts.errors import PermanentError
from services.mailer.addresses import mailboxes

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
    "ädä@example.com",
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
def test_what_is_no_address_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(AddressInvalid, match=r"\w+ \w+"):
        parse_mailbox(text)


def test_an_error_names_field_value_rule_and_mend() -> None:
    with pytest.raises(PermanentError) as caught:
        mailboxes("cc", ["ada@example.com", "bob@"])
    assert caught.value.code == "mail_address_invalid"
    assert caught.value.message.startswith("cc/1: 'bob@' is not an e-mail address: There must be something after")
    assert "Write it as ada@example.com" in caught.value.message


def test_an_address_given_twice_is_kept_once() -> None:
    assert mailboxes("to", ["Ada <ada@example.com>", "ADA@example.com", "bob@example.com"]) == (
        Mailbox("Ada", "ada@example.com"),
        Mailbox("", "bob@example.com"),
    )
