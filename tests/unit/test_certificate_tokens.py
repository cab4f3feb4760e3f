"""Tests that tokens of certificates are read back, and that no other text is."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.signing.certificate_tokens import Claims, KeyInvalid, Signer, TokenInvalid, Verifier

KEY = base64.urlsafe_b64encode(bytes(range(32))).rstrip(b"=").decode()
OTHER = base64.urlsafe_b64encode(bytes(32)).rstrip(b"=").decode()
PRINTED = (
    "ATdLM00tUTJaRC1BQUFBLUJCQkIfQWRhIExvdmVsYWNlH1dlbGRpbmcgZm9yIEFuYWx5c3RzHzIwMjYtMTAtMzAfQn"
    "VyZWF1IEFjYWRlbXkfZW6xWqyO13rbEJXhwLtTmb70l56NZCN5qWmIePxfZsrJ0kOzD8hxyrSVaJmKTkGIwu-yV_rJa_ZABkGvW7A_PE0C"
)
ADA = Claims("7K3M-Q2ZD-AAAA-BBBB", "Ada Lovelace", "Welding for Analysts", "2026-10-30", "Bureau Academy", "en")
SIGNER = Signer(KEY)
VERIFIER = Verifier([SIGNER.public_key])

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x1f"), max_size=30)


@given(st.builds(Claims, texts, texts, texts, texts, texts, st.just("en")))
def test_signed_claims_are_read_back(claims: Claims) -> None:
    read = VERIFIER.read(SIGNER.token(claims))
    assert read.recipient == claims.recipient
    assert read.course == claims.course


def test_a_token_made_in_2026_stays_readable() -> None:
    """Certificates on walls hold this form: never change it."""
    assert SIGNER.token(ADA) == PRINTED
    assert VERIFIER.read(PRINTED) == ADA


def test_every_changed_token_is_refused() -> None:
    token = SIGNER.token(ADA)
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(TokenInvalid):
            VERIFIER.read(changed)


@given(st.text(max_size=300))
def test_texts_that_are_not_tokens_are_refused(text: str) -> None:
    with pytest.raises(TokenInvalid):
        VERIFIER.read(text)


def test_a_signature_of_another_key_is_refused_and_one_of_a_former_key_is_accepted() -> None:
    token = Signer(OTHER).token(ADA)
    with pytest.raises(TokenInvalid):
        VERIFIER.read(token)
    assert Verifier([SIGNER.public_key, Signer(OTHER).public_key]).read(token) == ADA


def test_texts_too_long_for_a_qr_code_are_cut_between_letters() -> None:
    long = VERIFIER.read(SIGNER.token(replace(ADA, recipient="é" * 120, course="张" * 200)))
    assert long.recipient == "é" * 58 + "…"
    assert long.course.startswith("张" * 50)
    assert len(SIGNER.token(replace(ADA, recipient="é" * 120, course="张" * 200))) < 700


@pytest.mark.parametrize("key", ["", "short", KEY + KEY, "ß" * 43])
def test_an_invalid_key_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(KeyInvalid, match="32 bytes in base64url"):
        Signer(key)
