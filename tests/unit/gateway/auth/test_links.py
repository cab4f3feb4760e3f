"""Signed links: what was signed is read, everything else is not."""

from hashlib import sha256
from uuid import UUID

import pytest
from itsdangerous import URLSafeSerializer

from bureau.signing.signed_links import Link, Linked, LinkExpired, LinkInvalid, LinkSigner, LinkVerifier, NotOwned

ID = UUID("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")
NOW = 1_900_000_000
LINKS = LinkSigner(lambda: "x" * 32, lambda kind, thing, owner: f"/v1/{kind}s/{thing}" if owner == "ada" else None)
LINK = Link(Linked.JOB, ID, NOW + 60)


def token_of(link: Link) -> str:
    return LINKS.sign(link, "ada").rpartition("=")[2]


def test_nobody_gets_a_link_to_what_another_owner_has() -> None:
    assert LINKS.sign(LINK, "ada").startswith(f"/v1/jobs/{ID}?token=")
    with pytest.raises(NotOwned):
        LINKS.sign(LINK, "eve")


def test_a_link_is_read_as_it_was_signed_and_signed_the_same_again() -> None:
    token = token_of(LINK)
    assert LINKS.read(token, NOW) == LINK
    assert token_of(LINK) == token
    assert LinkVerifier(lambda: "x" * 32).read(token, NOW) == LINK


def test_it_expires() -> None:
    token = token_of(LINK)
    LINKS.read(token, NOW + 59.9)
    with pytest.raises(LinkExpired):
        LINKS.read(token, NOW + 60)


def test_every_changed_character_spoils_it() -> None:
    token = token_of(LINK)
    for place, character in enumerate(token):
        changed = token[:place] + ("A" if character != "A" else "B") + token[place + 1 :]
        try:
            assert LINKS.read(changed, NOW) == LINK  # base64's last character has bits that say nothing
            assert place in (len(token) - 1, token.index(".") - 1)
        except LinkInvalid:
            pass


def signed(payload: object, secret: str = "x" * 32, salt: str = "bureau.link") -> str:
    serializer = URLSafeSerializer(secret, salt=salt, signer_kwargs={"digest_method": sha256})
    return str(serializer.dumps(payload))


GOOD = ["job", ID.hex, NOW + 60]


def test_the_test_signs_as_links_do() -> None:
    assert signed(GOOD) == token_of(LINK)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "é",
        "a" * 10_000,
        "eyJhIjoxfQ",
        signed(GOOD, secret="y" * 32),
        signed(GOOD, salt="session"),
        signed(["report", ID.hex, NOW + 60]),
        signed(["job", "nonsense", NOW + 60]),
        signed(["job", ID.hex, "soon"]),
        signed(["job", ID.hex, None]),
        signed(["job", ID.hex]),
        signed({"job": 1}),
        signed(None),
        signed(["job", 7, NOW + 60]),
    ],
)
def test_a_link_that_was_not_signed_here_for_this_use_is_invalid(token: str) -> None:
    with pytest.raises(LinkInvalid):
        LINKS.read(token, NOW)
