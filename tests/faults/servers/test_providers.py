"""A mail server and a certificates API in every bad mood, then well again."""

import pytest

from tests.support.faults.rounds import World, run_round
from tests.support.faults.strikes import API_TROUBLES, MAIL_TROUBLES, api_trouble, mail_trouble
from tests.support.servers.mail_servers import Trouble

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.mark.parametrize("name", list(MAIL_TROUBLES))
def test_the_mail_server(world: World, name: str) -> None:
    fault = mail_trouble(MAIL_TROUBLES[name], 20)
    account = run_round(world, f"mail server {name}", fault, kinds={"email": 1}, sees=["put off"])
    assert not account.failed


def test_the_mail_server_takes_mails_and_never_answers(world: World) -> None:
    """The window of a mail is 120 s: then it is unknown, and sent again under the same Message-ID.

    So long its thread waits, healed or not: the rest is mailed after that.
    """
    fault = mail_trouble({"to_content": Trouble.HANG}, 15)
    account = run_round(
        world, "mail server takes and hangs", fault, jobs=300, kinds={"email": 1}, sees=["put off"], ends_within=240
    )
    assert account.unknown_mails > 0
    assert not account.failed


def test_the_mail_server_refuses_for_good(world: World) -> None:
    fault = mail_trouble({"to_sender": "550 5.7.1 not you"}, 8)
    account = run_round(world, "mail server answers 550", fault, kinds={"email": 1})
    assert account.failed
    assert all("mail_refused" in failed for failed in account.failed)


def test_the_mail_server_accepts_some_recipients(world: World) -> None:
    """One of each mail's two recipients is refused for now: only that one is mailed again."""
    refused = {f"bob{number}@example.com": "450 4.2.1 mailbox busy" for number in range(1000)}
    fault = mail_trouble({"to_recipients": refused}, 15)
    account = run_round(world, "mail server accepts some", fault, kinds={"email": 1}, sees=["put off"])
    assert not account.failed


@pytest.mark.parametrize("name", list(API_TROUBLES))
def test_the_certificates_api(world: World, name: str) -> None:
    fault = api_trouble(name, 15)
    account = run_round(world, f"certificates API {name}", fault, kinds={"certificates": 1}, sees=["retry"])
    assert not account.failed
