"""A mail is handed to the provider once, whatever dies meanwhile."""

import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest

from bureau.contracts.mail.delivery import DeliveryEnd, DeliveryState
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.jobs import cancel, leases
from bureau.ledger.jobs.finish import ClaimOutcome, Finished, finish_waiting
from bureau.ledger.mail import deliveries
from bureau.ledger.mail.deliveries import Intent, Opened
from bureau.runtime import finishing
from bureau.services.mailer.transports.base import DeliveryWindow
from bureau.services.mailer.transports.file import FileTransport
from bureau.stop_token import StopToken
from tests.integration.mailer.conftest import Office
from tests.support.ledger.book import no_jitter
from tests.support.messages import new_message
from tests.support.running.processes import Process
from tests.support.servers.mail_servers import MailServer, Trouble
from tests.support.waiting import until

BOTH = ["ada@example.com", "bob@example.com"]


def _crash(office: Office, job: UUID, message_id: str = "<1@example.com>", transport: str = "smtp") -> None:
    """As if a worker had written its intent and died."""
    claimed = office.book.claim(job, queue="mailer", worker="dead")
    assert claimed is not None
    intent = Intent(claimed.task_id, claimed.claim_no, message_id, transport, tuple(BOTH))
    deliveries.open_delivery(office.db, intent)
    office.book.end_lease(claimed.task_id)
    leases.expire(office.db, no_jitter)


def test_a_mail_with_an_open_intent_is_postponed_until_no_process_can_send_it(
    office: Office, server: MailServer
) -> None:
    job = office.submit()
    _crash(office, job)
    assert office.run(job) == "ready"
    assert office.book.outcomes(job) == ["crashed", "postponed"]
    assert office.book.task(job).error["code"] == "delivery_open"
    assert not server.mails
    office.age_tries(job, 181)
    assert office.run(job) == "succeeded"
    assert [delivery.state for delivery in office.tries(job)] == [DeliveryState.UNKNOWN, DeliveryState.SENT]
    assert server.counts == {"<1@example.com>": 1}
    assert office.book.task(job).result["outcome"] == "unknown"


def test_an_unknown_mail_is_parked_where_that_is_the_setting(office: Office, server: MailServer) -> None:
    office.settings(MAIL_UNKNOWN="park")
    job = office.submit()
    _crash(office, job)
    office.age_tries(job, 181)
    assert office.run(job) == "failed"
    assert office.book.task(job).error["code"] == "delivery_unknown"
    assert not server.mails


def test_a_lost_answer_is_sent_again_under_the_same_id_or_not_at_all(office: Office, server: MailServer) -> None:
    server.to_content = Trouble.DROP
    again, parked = office.submit(), office.submit()
    worker = office.worker()
    assert office.run(again, worker) == "ready"
    office.settings(MAIL_UNKNOWN="park")
    assert office.run(parked) == "failed"
    server.to_content = None
    assert office.run(again, worker) == "succeeded"
    assert office.book.task(again).result["outcome"] == "unknown"
    assert sorted(server.counts.values()) == [1, 2]


@pytest.mark.parametrize("where", ["to_data", "to_content"])
def test_a_worker_killed_while_it_hands_a_mail_over_leaves_it_to_the_next(
    office: Office, server: MailServer, tmp_path: Path, where: str
) -> None:
    setattr(server, where, Trouble.HANG)
    job = office.submit()
    env = {
        "DATABASE_URL": office.db.engine.url.render_as_string(hide_password=False),
        "STORAGE_URL": f"file://{tmp_path}/storage",
        "MAIL_URL": server.url,
        "MAIL_FROM": os.environ["MAIL_FROM"],
    }
    command = [sys.executable, "-m", "tests.integration.mailer.sender", str(office.task_id(job))]
    with Process(command, log=tmp_path / "sender.log", env=env) as sender:
        sender.wait_until(lambda: server.waiting, 30, f"the server waits at {where}")
        sender.kill()
    setattr(server, where, None)
    office.book.end_lease(office.task_id(job))
    leases.expire(office.db, no_jitter)
    assert office.run(job) == "ready"  # postponed: it might be under way
    office.age_tries(job, 181)
    assert office.run(job) == "succeeded"
    assert list(server.counts.values()) == [2 if where == "to_content" else 1]
    assert office.book.task(job).result["outcome"] == "unknown"


def test_a_slow_worker_that_lost_its_task_still_writes_what_happened(office: Office, server: MailServer) -> None:
    server.to_content = Trouble.HANG
    job = office.submit()
    slow = threading.Thread(target=office.run, args=(job, office.worker("slow")))
    slow.start()
    until(lambda: server.waiting, message="the server has the mail")
    (opened,) = office.tries(job)
    # The lease ends, and another worker gets the task while the first one waits for the server's answer.
    office.book.end_lease(office.task_id(job))
    leases.expire(office.db, no_jitter)
    assert office.run(job) == "ready"
    end = DeliveryEnd(office.task_id(job), opened.n, DeliveryState.SENT, dict.fromkeys(BOTH, "sent"), "250 after all")
    assert deliveries.close_delivery(office.db, end)
    assert office.run(job) == "succeeded"
    assert list(server.counts.values()) == [1]
    assert office.book.task(job).result["outcome"] == "sent"
    server.hang_up()
    slow.join(10)
    assert not slow.is_alive()
    assert [delivery.response for delivery in office.tries(job)] == ["250 after all"]


def test_a_task_that_is_not_the_workers_any_more_sends_nothing(office: Office, server: MailServer) -> None:
    job = office.submit()
    worker = office.worker()
    before = deliveries.open_batch

    def lose_it_meanwhile(db: Database, intents: Sequence[Intent]) -> list[Opened | Deferred]:
        office.book.set(intents[0].task_id, claim_no=99)
        return before(db, intents)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deliveries, "open_batch", lose_it_meanwhile)
        office.run(job, worker)
    assert not server.mails
    assert office.tries(job) == []
    assert office.book.task(job).claim_no == 99


def test_a_cancelled_task_sends_nothing_and_ends_at_once(office: Office, server: MailServer) -> None:
    job = office.submit()
    worker = office.worker()
    before = deliveries.open_batch

    def cancel_meanwhile(db: Database, intents: Sequence[Intent]) -> list[Opened | Deferred]:
        cancel.cancel(db, job, "ada")
        return before(db, intents)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deliveries, "open_batch", cancel_meanwhile)
        assert office.run(job, worker) == "cancelled"
    assert not server.mails


def test_an_end_that_the_ledger_did_not_take_is_written_when_it_answers(
    office: Office, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = finish_waiting
    failed: list[int] = []

    def away(*_: object) -> list[Finished | Deferred]:
        raise LedgerUnavailable("away")

    def away_twice(db: Database, ends: Sequence[ClaimOutcome]) -> list[Finished]:
        if len(failed) < 2:
            failed.append(1)
            raise LedgerUnavailable("away")
        return before(db, ends)

    monkeypatch.setattr(finishing, "finish_batch", away)
    monkeypatch.setattr(finishing, "finish_waiting", away_twice)
    job = office.submit()
    assert office.run(job) == "succeeded"
    assert office.tries(job)[0].state is DeliveryState.SENT
    assert list(server.counts.values()) == [1]


def test_a_ledger_that_is_away_before_the_intent_sends_nothing(
    office: Office, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise LedgerUnavailable("away")

    job = office.submit()
    for names in (("open_batch", "open_delivery"), ("history",)):  # no try is asked for by the first claim
        with monkeypatch.context() as patch:
            for name in names:
                patch.setattr(deliveries, name, away)
            assert office.run(job) == "ready"
    assert office.book.task(job).error["code"] == "ledger_unavailable"
    assert not server.mails
    assert office.run(job) == "succeeded"


def test_the_outbox_knows_what_it_has_so_that_nobody_waits(office: Office, outbox: Path) -> None:
    sent, unsent = office.submit(), office.submit()
    message = new_message(*BOTH)
    _crash(office, sent, message.message_id, "file")
    FileTransport(outbox).send(message, BOTH, DeliveryWindow(), StopToken())
    _crash(office, unsent, "<2@example.com>", "file")
    assert office.run(sent) == "succeeded"
    assert office.run(unsent) == "succeeded"
    assert sorted(path.stem for path in outbox.iterdir()) == sorted([message.message_id.strip("<>"), "2@example.com"])
    for job in (sent, unsent):
        assert office.book.task(job).result["outcome"] == "sent"
