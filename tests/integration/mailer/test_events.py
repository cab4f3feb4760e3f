"""What a provider tells after it took a mail: on either database."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from bureau.contracts.mail.mail_events import MailEvent, MailEventKind, SuppressionReason
from bureau.ledger.access.audit import Act
from bureau.ledger.mail import provider_events, recipient_history, suppressions
from bureau.ledger.reads import job_queries
from tests.integration.mailer.conftest import Office
from tests.support.servers.mail_servers import MailServer, Trouble

ADA, BOB = "ada@example.com", "bob@example.com"
KIND = MailEventKind


def _told(task: UUID, kind: MailEventKind, recipient: str = ADA, n: int = 1, **more: object) -> MailEvent:
    at = datetime(2026, 1, 1, 12, list(MailEventKind).index(kind), tzinfo=UTC)
    given: dict[str, object] = {"id": uuid4().hex, "at": at, "reason": f"{kind} said"} | more
    return MailEvent(task_id=task, n=n, recipient=recipient, kind=kind, **given)  # type: ignore[arg-type]


def _shown(office: Office, job: UUID) -> dict[str, str]:
    view = job_queries.job(office.db, job, "ada")
    assert view is not None
    return {one["address"]: one["state"] for one in view.tasks[0].mail}


def _last(server: MailServer) -> tuple[str, ...]:
    return server.mails[-1].recipients


def test_the_job_shows_what_became_of_each_recipient(office: Office) -> None:
    job = office.submit()
    assert _shown(office, job) == {}
    assert office.run(job) == "succeeded"
    assert _shown(office, job) == {ADA: "sent", BOB: "sent"}
    task = office.task_id(job)
    told = [_told(task, KIND.DEFERRED, BOB), _told(task, KIND.DELIVERED), _told(task, KIND.PROCESSED)]
    assert provider_events.record(office.db, told) == 3
    assert _shown(office, job) == {ADA: "delivered", BOB: "deferred"}
    late = [_told(task, KIND.DEFERRED), _told(task, KIND.BOUNCED, BOB), _told(task, KIND.COMPLAINED)]
    assert provider_events.record(office.db, late) == 3  # a complaint stays, however late an earlier event comes
    assert _shown(office, job) == {ADA: "complained", BOB: "bounced"}


def test_a_recipient_s_story_has_every_step_and_the_last_word(office: Office, server: MailServer) -> None:
    server.to_recipients = {BOB: "450 4.2.1 mailbox busy"}
    job = office.submit()
    office.run(job)
    task = office.task_id(job)
    bounce = _told(task, KIND.BOUNCED, reason="550 no such user")  # by the provider's clock, which is behind
    provider_events.record(office.db, [bounce, _told(task, KIND.PROCESSED), _told(task, KIND.DELIVERED)])
    found = recipient_history.mails(office.db, job, limit=9)
    ada, bob = found.recipients
    assert (found.total, ada.address, ada.state, ada.reason) == (2, ADA, "bounced", "550 no such user")
    steps = [("sent", "smtp"), ("delivered", None), ("bounced", None)]
    assert [(one.state, one.transport) for one in ada.steps] == steps
    assert [(one.state, one.transport) for one in bob.steps] == [("deferred", "smtp")]
    assert "450 4.2.1 mailbox busy" in str(bob.steps[0].reason)
    assert (recipient_history.mails(office.db, job, limit=1).recipients, found.total) == ((ada,), 2)


def test_the_last_of_many_delivery_steps_are_shown(office: Office) -> None:
    job = office.submit(cc=[])
    office.run(job)
    task = office.task_id(job)
    provider_events.record(
        office.db, [_told(task, KIND.DEFERRED, at=datetime(2999, 1, day, tzinfo=UTC)) for day in range(1, 30)]
    )
    (ada,) = recipient_history.mails(office.db, job, limit=9).recipients
    assert [one.at.day for one in ada.steps] == list(range(30 - recipient_history.STEPS, 30))
    assert ada.state == "deferred"


def test_a_repeated_provider_event_counts_once_and_an_unknown_one_never(office: Office) -> None:
    job = office.submit()
    office.run(job)
    one = _told(office.task_id(job), KIND.DELIVERED)
    assert provider_events.record(office.db, [one, one, _told(uuid4(), KIND.DELIVERED)]) == 1
    assert provider_events.record(office.db, [one]) == 0


@pytest.mark.parametrize("kind", list(KIND))
def test_an_event_turns_unknown_into_sent_and_nothing_is_sent_again(
    office: Office, server: MailServer, kind: MailEventKind
) -> None:
    server.to_content = Trouble.DROP
    job = office.submit(cc=[])
    assert office.run(job) == "ready"  # it will be sent again
    assert _shown(office, job) == {ADA: "unknown"}
    provider_events.record(office.db, [_told(office.task_id(job), kind)])
    (tried,) = office.tries(job)
    assert (tried.state, tried.recipients) == ("sent", {ADA: "sent"})
    server.to_content = None
    assert office.run(job) == "succeeded"
    assert len(server.mails) == 1
    assert office.book.task(job).result["outcome"] == "sent"


def test_an_event_proves_only_its_own_try_and_recipient(office: Office, server: MailServer) -> None:
    server.to_content = Trouble.DROP
    job = office.submit()
    office.run(job)
    task = office.task_id(job)
    provider_events.record(
        office.db, [_told(task, KIND.DELIVERED, n=2), _told(task, KIND.DELIVERED, "eve@example.com")]
    )
    assert office.tries(job)[0].recipients == {ADA: "unknown", BOB: "unknown"}
    provider_events.record(office.db, [_told(task, KIND.DELIVERED, BOB)])
    (tried,) = office.tries(job)
    assert (tried.state, tried.recipients) == ("unknown", {ADA: "unknown", BOB: "sent"})
    server.to_content = None
    assert office.run(job) == "succeeded"
    assert [mail.recipients for mail in server.mails] == [(ADA, BOB), (ADA,)]


def test_an_event_that_comes_before_we_give_up_counts_as_well(office: Office, server: MailServer) -> None:
    office.settings(MAIL_UNKNOWN="park")
    server.to_content = Trouble.HANG
    job = office.submit(cc=[])
    task = office.task_id(job)
    provider_events.record(office.db, [_told(task, KIND.DELIVERED)])
    server.to_content = Trouble.DROP
    office.run(job)
    (tried,) = office.tries(job)
    assert (tried.state, tried.recipients) == ("sent", {ADA: "sent"})


def test_hard_bounces_and_complaints_get_no_more_mail_of_that_owner(office: Office, server: MailServer) -> None:
    job = office.submit()
    office.run(job)
    task = office.task_id(job)
    provider_events.record(
        office.db,
        [
            _told(task, KIND.BOUNCED, suppress=SuppressionReason.HARD_BOUNCE, reason="550 no such user"),
            _told(task, KIND.BOUNCED, BOB, reason="busy"),
        ],
    )
    again = office.submit()
    assert office.run(again) == "succeeded"
    assert _last(server) == (BOB,)
    (refused,) = office.book.task(again).result["refused"].items()
    assert refused[0] == ADA
    assert "hard bounce (550 no such user)" in refused[1]
    other = office.submit(owner="carol")
    assert office.run(other) == "succeeded"
    assert _last(server) == (ADA, BOB)


@pytest.mark.parametrize("reply", [None, "450 later"], ids=["from the first", "after a try"])
def test_a_suppressed_recipient_is_shown_as_suppressed(office: Office, server: MailServer, reply: str | None) -> None:
    server.to_recipients = {BOB: reply} if reply else {}
    job = office.submit()
    if reply:
        assert office.run(job) == "ready"
        assert _shown(office, job) == {ADA: "sent", BOB: "deferred"}
    suppressions.add(office.db, "ada", BOB, "asked to", Act("suppression.add", "ada", "tests"))
    assert office.run(job) == "succeeded"
    assert _shown(office, job) == {ADA: "sent", BOB: "suppressed"}
    found = recipient_history.mails(office.db, job, limit=9)
    _, bob = found.recipients
    assert (found.total, bob.state, bob.at) == (2, "suppressed", office.book.task(job).finished_at)
    assert "manual (asked to)" in str(bob.reason)
    before = [("deferred", "smtp")] if reply else []
    assert [(step.state, step.transport) for step in bob.steps] == [*before, ("suppressed", None)]
    assert bob.steps[-1].reason == bob.reason


def test_a_refused_recipient_is_not_shown_as_suppressed(office: Office, server: MailServer) -> None:
    server.to_recipients = {BOB: "550 no such user"}
    job = office.submit()
    assert office.run(job) == "succeeded"
    assert _shown(office, job) == {ADA: "sent", BOB: "refused"}


def test_an_event_and_a_suppression_find_an_address_in_another_script(office: Office, server: MailServer) -> None:
    server.smtputf8 = True
    job = office.submit(to=["José@example.com"], cc=[BOB])
    assert office.run(job) == "succeeded"
    assert _last(server) == ("José@example.com", BOB)
    bounced = _told(
        office.task_id(job), KIND.BOUNCED, "josé@example.com", suppress=SuppressionReason.HARD_BOUNCE, reason="550 no"
    )
    provider_events.record(office.db, [bounced])
    assert _shown(office, job) == {"José@example.com": "bounced", BOB: "sent"}
    again = office.submit(to=["JOSE\u0301@example.com"], cc=[BOB])
    assert office.run(again) == "succeeded"
    assert _last(server) == (BOB,)


def test_a_mail_to_nobody_but_suppressed_fails_and_says_what_mends_it(office: Office, server: MailServer) -> None:
    act = Act("suppression.add", "ada", "tests")
    suppressions.add(office.db, "ada", "Ada@Example.com", None, act)
    job = office.submit(cc=[])
    assert office.run(job) == "failed"
    error = office.book.task(job).error
    assert error["code"] == "mail_suppressed"
    assert "DELETE /v1/mail/suppressions?address=ada%40example.com" in error["message"]
    assert not server.mails
    assert suppressions.remove(office.db, "ada", "ADA@example.com", act)
    assert not suppressions.remove(office.db, "ada", ADA, act)
    last = office.submit(cc=[])
    assert office.run(last) == "succeeded"


def test_a_task_whose_rest_was_suppressed_meanwhile_ends_well(office: Office, server: MailServer) -> None:
    server.to_recipients = {BOB: "450 later"}
    job = office.submit()
    assert office.run(job) == "ready"
    suppressions.add(office.db, "ada", BOB, "asked to", Act("suppression.add", "ada", "tests"))
    assert office.run(job) == "succeeded"
    result = office.book.task(job).result
    assert result["accepted"] == [ADA]
    assert "manual (asked to)" in result["refused"][BOB]
    assert len(server.mails) == 1
