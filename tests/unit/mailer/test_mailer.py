"""Sending a mail: what is written when, and what comes of it."""
# ruff: noqa: ARG002  # the fakes take what the real ones take

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from bureau.contracts.errors import PermanentError, Postponed, Stopped, TransientError
from bureau.contracts.mail.addresses import Mailbox
from bureau.contracts.mail.delivery import DeliveryEnd, DeliveryState
from bureau.contracts.mail.mail import SendMail
from bureau.ledger.mail.deliveries import MailDelivery
from bureau.services.mailer.compose import Composer
from bureau.services.mailer.delivery_log import Suppressed
from bureau.services.mailer.delivery_policy import UnknownMailPolicy
from bureau.services.mailer.message.message import Message
from bureau.services.mailer.send import Mailer
from bureau.services.mailer.tasks import send_task
from bureau.services.mailer.templating.templating import Templates
from bureau.services.mailer.transports.base import AnswerLost, DeliveryWindow, SendResult, TransportUnavailable, Verdict
from bureau.services.mailer.transports.failover import FailoverRoute, TransportEntry
from bureau.stop_token import StopReason, StopToken
from bureau.task import Context
from tests.support.context import FakeContext

ADA, BOB = "ada@example.com", "bob@example.com"
MAIL = SendMail(to=[ADA], bcc=[f"Bob <{BOB}>"], subject="Hello", text="x")
SENT, DEFERRED, REFUSED = Verdict.SENT, Verdict.DEFERRED, Verdict.REFUSED


@dataclass
class _Book:
    """Tries in memory; `said` is everything that happened, in order."""

    said: list[str]
    rows: list[MailDelivery] = field(default_factory=list)
    listed: dict[str, str] = field(default_factory=dict)

    def tries(self, ctx: Context) -> list[MailDelivery]:
        return list(self.rows)

    def open(self, ctx: Context, *, message_id: str, transport: str, recipients: Sequence[str]) -> MailDelivery:
        if found := {one: self.listed[one] for one in recipients if one in self.listed}:
            raise Suppressed(found)
        self.said.append("open")
        row = MailDelivery(
            len(self.rows) + 1, message_id, transport, DeliveryState.OPEN, dict.fromkeys(recipients, "open"), 0.0, None
        )
        self.rows.append(row)
        return row

    def move(self, ctx: Context, n: int, *, transport: str) -> bool:
        self.said.append(f"move {transport}")
        self.rows[n - 1] = replace(self.rows[n - 1], transport=transport)
        return True

    def close(self, end: DeliveryEnd) -> None:
        self.said.append(f"close {end.state}")
        self.rows[end.n - 1] = replace(
            self.rows[end.n - 1],
            state=end.state,
            recipients=dict(end.recipients),
            response=end.response,
            reasons=end.reasons,
        )


class _Ctx(FakeContext):
    """Has the end of a delivery written at once, where the runner writes it with its finish."""

    def __init__(self, folder: Path, book: _Book) -> None:
        super().__init__(folder)
        self._book = book

    def delivered(self, end: DeliveryEnd) -> None:
        self._book.close(end)


@dataclass
class _Transport:
    """Does the steps one after the other."""

    said: list[str]
    steps: list[Callable[[Sequence[str]], SendResult]] = field(default_factory=list)
    has: bool | None = None
    name: str = "fake"
    messages: list[Message] = field(default_factory=list)

    def send(self, message: Message, recipients: Sequence[str], window: DeliveryWindow, stop: StopToken) -> SendResult:
        self.said.append(f"send {' '.join(recipients)}")
        self.messages.append(message)
        return self.steps.pop(0)(recipients)

    def was_sent(self, message_id: str) -> bool | None:
        return self.has

    def close(self) -> None:
        pass


class _World:
    """A mailer over both."""

    def __init__(self, folder: Path, policy: UnknownMailPolicy = UnknownMailPolicy.RESEND) -> None:
        self.said: list[str] = []
        self.book = _Book(self.said)
        self.transport = _Transport(self.said)
        self.ctx = _Ctx(folder, self.book)
        composer = Composer(
            sender=Mailbox("", "bureau@example.com"),
            templates=Templates(),
            attachments_max_bytes=1000,
            sign=lambda *_: "",
        )
        self.mailer = Mailer(
            composer=composer,
            route=FailoverRoute([TransportEntry(self.transport.name, self.transport)]),
            book=self.book,
            policy=policy,
        )

    def send(self, *steps: Callable[[Sequence[str]], SendResult], mail: SendMail = MAIL) -> dict[str, Any]:
        self.transport.steps = list(steps)
        return self.mailer.send(self.ctx, mail).model_dump()


@pytest.fixture
def world(tmp_path: Path) -> _World:
    return _World(tmp_path)


def _answers(**verdicts: Verdict) -> Callable[[Sequence[str]], SendResult]:
    named = {f"{name}@example.com": verdict for name, verdict in verdicts.items()}

    def answer(recipients: Sequence[str]) -> SendResult:
        assert set(recipients) == set(named)
        reasons = {address: f"{verdict} said" for address, verdict in named.items() if verdict is not SENT}
        return SendResult(named, reasons, "250 queued")

    return answer


def _raises(error: BaseException) -> Callable[[Sequence[str]], SendResult]:
    def answer(recipients: Sequence[str]) -> SendResult:
        raise error

    return answer


def test_the_intent_is_written_before_and_the_end_after(world: _World) -> None:
    result = world.send(_answers(ada=SENT, bob=SENT))
    assert world.said == ["open", f"send {ADA} {BOB}", "close sent"]
    assert result == {
        "message_id": f"<{world.ctx.task_id}@example.com>",
        "transport": "fake",
        "accepted": [ADA, BOB],
        "refused": {},
        "outcome": "sent",
    }


def test_the_log_does_not_repeat_the_delivery_and_counts_attachments(world: _World) -> None:
    world.send(_answers(ada=SENT, bob=REFUSED))
    assert world.ctx.logs == []
    attached = SendMail(to=[ADA], subject="x", text="x", attachments=[world.ctx.add_file("a", "b/c", bytes(100))])
    world.book.rows.clear()
    world.send(_answers(ada=SENT), mail=attached)
    assert world.ctx.logs == ["the mail has 1 attachment of 100 bytes"]


def test_some_refused_for_good_is_a_success_that_says_so(world: _World) -> None:
    result = world.send(_answers(ada=SENT, bob=REFUSED))
    assert (result["accepted"], result["refused"]) == ([ADA], {BOB: "refused said"})


def test_all_refused_for_good_fails_and_names_each(world: _World) -> None:
    with pytest.raises(PermanentError, match=f"{ADA}, {BOB}: refused said") as caught:
        world.send(_answers(ada=REFUSED, bob=REFUSED))
    assert caught.value.code == "mail_refused"
    assert world.book.rows[0].state is DeliveryState.REFUSED


def test_the_next_try_mails_only_whom_the_provider_refused_for_now(world: _World) -> None:
    with pytest.raises(TransientError, match=f"1 of 2 accepted.*{BOB}: deferred said") as caught:
        world.send(_answers(ada=SENT, bob=DEFERRED))
    assert caught.value.code == "mail_deferred"
    result = world.send(_answers(bob=SENT))
    assert result["accepted"] == [ADA, BOB]
    assert result["outcome"] == "sent"
    first, second = world.transport.messages
    assert first.message_id == second.message_id


def test_a_task_that_runs_again_after_its_mail_left_sends_nothing(world: _World) -> None:
    first = world.send(_answers(ada=SENT, bob=REFUSED))
    assert world.send() == first
    assert world.said.count("open") == 1


def test_an_outage_is_tried_again_after_the_time_it_names(world: _World) -> None:
    with pytest.raises(TransientError, match="no route") as caught:
        world.send(_raises(TransportUnavailable("no route", retry_after=7)))
    assert (caught.value.code, caught.value.retry_after) == ("mail_deferred", 7)
    assert world.book.rows[0].recipients == {ADA: "deferred", BOB: "deferred"}
    assert world.send(_answers(ada=SENT, bob=SENT))["outcome"] == "sent"


def test_a_lost_answer_is_unknown_and_sent_again_under_the_same_id(world: _World) -> None:
    with pytest.raises(TransientError, match=r"cut.*will be sent again") as caught:
        world.send(_raises(AnswerLost("cut")))
    assert caught.value.code == "delivery_unknown"
    assert world.book.rows[0].state is DeliveryState.UNKNOWN
    assert world.send(_answers(ada=SENT, bob=SENT))["outcome"] == "unknown"
    assert len({message.message_id for message in world.transport.messages}) == 1


def test_a_lost_answer_is_parked_where_that_is_the_setting(tmp_path: Path) -> None:
    world = _World(tmp_path, UnknownMailPolicy.PARK)
    for steps in ([_raises(AnswerLost("cut"))], []):
        with pytest.raises(PermanentError, match="MAIL_UNKNOWN is park") as caught:
            world.send(*steps)
        assert caught.value.code == "delivery_unknown"
    assert world.said.count("open") == 1


def test_a_stop_before_the_handing_over_closes_the_try(world: _World) -> None:
    with pytest.raises(Stopped):
        world.send(_raises(Stopped(StopReason.SHUTDOWN)))
    assert world.said[-1] == "close refused"
    assert set(world.book.rows[0].recipients.values()) == {"deferred"}


def test_a_stop_after_the_handing_over_keeps_the_result(world: _World) -> None:
    def cancelled_meanwhile(recipients: Sequence[str]) -> SendResult:
        world.ctx.stop.set(StopReason.CANCELLED)
        return SendResult.same(recipients, SENT, "250")

    assert world.send(cancelled_meanwhile)["accepted"] == [ADA, BOB]
    assert world.said[-1] == "close sent"


def test_an_error_of_ours_leaves_no_open_try(world: _World) -> None:
    with pytest.raises(ZeroDivisionError):
        world.send(_raises(ZeroDivisionError()))
    assert world.book.rows[0].state is DeliveryState.UNKNOWN


def _left_open(world: _World, age: float) -> None:
    world.book.rows.append(
        MailDelivery(1, "<1@old.example>", "fake", DeliveryState.OPEN, {ADA: "open", BOB: "open"}, age, None)
    )


def test_a_mail_with_an_open_attempt_waits_until_it_must_be_over(world: _World) -> None:
    _left_open(world, 30.0)
    with pytest.raises(Postponed) as caught:
        world.send()
    assert (caught.value.code, caught.value.delay) == ("delivery_open", 150.0)
    assert world.said == []


def test_an_old_open_try_is_unknown_then_sent_again_under_its_id(world: _World) -> None:
    _left_open(world, 181.0)
    result = world.send(_answers(ada=SENT, bob=SENT))
    assert world.said == ["close unknown", "open", f"send {ADA} {BOB}", "close sent"]
    assert (result["outcome"], result["message_id"]) == ("unknown", "<1@old.example>")
    assert world.transport.messages[0].message_id == "<1@old.example>"


def test_a_transport_that_knows_it_sent_the_mail_ends_the_waiting(world: _World) -> None:
    _left_open(world, 1.0)
    world.transport.has = True
    assert world.send()["outcome"] == "sent"
    assert world.said == ["close sent"]


def test_a_transport_that_knows_it_did_not_send_the_mail_sends_it_at_once(world: _World) -> None:
    _left_open(world, 1.0)
    world.transport.has = False
    assert world.send(_answers(ada=SENT, bob=SENT))["outcome"] == "sent"
    assert world.said == ["close refused", "open", f"send {ADA} {BOB}", "close sent"]


def test_one_transport_does_not_vouch_for_another(world: _World) -> None:
    _left_open(world, 1.0)
    world.transport.has = False
    world.book.rows[0] = replace(world.book.rows[0], transport="other")
    with pytest.raises(Postponed):
        world.send()


def test_a_mail_that_cannot_be_composed_fails_before_any_intent(world: _World) -> None:
    for mail in (
        SendMail(to=["bob@"], subject="x", text="x"),
        SendMail(to=[ADA], template="nope"),
        SendMail(to=[ADA], subject="x", text="x", attachments=[world.ctx.add_file("a", "b/c", bytes(2000))]),
    ):
        with pytest.raises(PermanentError):
            world.send(mail=mail)
    assert world.said == []


def test_the_task_takes_json_and_gives_json(world: _World) -> None:
    world.transport.steps = [_answers(ada=SENT)]
    task = send_task(world.mailer, "")
    result = task.run(world.ctx, {"to": ["Ada <ada@example.com>"], "template": "welcome", "context": {"name": "Ada"}})
    assert result["accepted"] == [ADA]
    assert task.description.time_limit_seconds == 120
    assert set(task.description.input_schema["properties"]) >= {"from", "to", "subject", "template", "attachments"}
