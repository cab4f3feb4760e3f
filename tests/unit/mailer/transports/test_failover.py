"""Several transports in order: another gets a mail only when nothing was handed over, whatever dies when."""
# ruff: noqa: ARG002  # the fakes take what the real ones take

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bureau.contracts.errors import PermanentError, Postponed, TransientError
from bureau.contracts.mail.addresses import Mailbox
from bureau.contracts.mail.delivery import DeliveryEnd, DeliveryState
from bureau.contracts.mail.mail import MailSent, SendMail
from bureau.ledger.mail.deliveries import MailDelivery
from bureau.process.outage_counter import ENOUGH
from bureau.services.mailer.compose import Composer
from bureau.services.mailer.delivery_log import Suppressed
from bureau.services.mailer.delivery_policy import UnknownMailPolicy
from bureau.services.mailer.message.message import Message
from bureau.services.mailer.send import Mailer
from bureau.services.mailer.templating.templating import Templates
from bureau.services.mailer.transports.base import (
    AnswerLost,
    DeliveryWindow,
    SendResult,
    TooLate,
    TransportUnavailable,
    Verdict,
)
from bureau.services.mailer.transports.circuit_breaker import CircuitBreaker
from bureau.services.mailer.transports.failover import FailoverRoute, TransportEntry
from bureau.stop_token import StopToken
from bureau.task import Context
from tests.support.context import FakeContext

ADA = "ada@example.com"
MAIL = SendMail(to=[ADA], subject="Hello", text="x")


class Killed(BaseException):
    """kill -9: nothing after it happens."""


@dataclass
class World:
    """Two transports, a book, and a process that can be killed before its nth step. `got`: mails by transport."""

    folder: Path
    policy: UnknownMailPolicy = UnknownMailPolicy.RESEND
    kill_before: int | None = None
    steps: list[str] = field(default_factory=list)
    rows: list[MailDelivery] = field(default_factory=list)
    got: Counter[str] = field(default_factory=Counter)
    behaviour: dict[str, Callable[[], None]] = field(default_factory=dict)
    knows: frozenset[str] = frozenset()
    listed: dict[str, str] = field(default_factory=dict)
    breakers: dict[str, CircuitBreaker] = field(default_factory=lambda: {"a": CircuitBreaker(), "b": CircuitBreaker()})
    moves: bool = True

    def __post_init__(self) -> None:
        self.ctx = Ctx(self)

    def step(self, name: str) -> None:
        if self.kill_before is not None and len(self.steps) >= self.kill_before:
            raise Killed
        self.steps.append(name)

    def send(self, *names: str) -> MailSent:
        composer = Composer(
            sender=Mailbox("", "b@example.com"), templates=Templates(), attachments_max_bytes=1000, sign=lambda *_: ""
        )
        stops = [TransportEntry(name, FakeTransport(name, self), self.breakers[name]) for name in names or ("a", "b")]
        return Mailer(composer=composer, route=FailoverRoute(stops), book=self, policy=self.policy).send(self.ctx, MAIL)

    # The book.

    def tries(self, ctx: Context) -> list[MailDelivery]:
        self.step("tries")
        return list(self.rows)

    def open(self, ctx: Context, *, message_id: str, transport: str, recipients: Sequence[str]) -> MailDelivery:
        self.step("open")
        if found := {one: self.listed[one] for one in recipients if one in self.listed}:
            raise Suppressed(found)
        opened = dict.fromkeys(recipients, "open")
        self.rows.append(MailDelivery(len(self.rows) + 1, message_id, transport, DeliveryState.OPEN, opened, 0.0, None))
        self.step("opened")
        return self.rows[-1]

    def move(self, ctx: Context, n: int, *, transport: str) -> bool:
        self.step("move")
        if self.moves:
            self.rows[n - 1] = replace(self.rows[n - 1], transport=transport)
        self.step("moved")
        return self.moves

    def close(self, end: DeliveryEnd) -> None:
        self.step("close")
        ended = replace(self.rows[end.n - 1], state=end.state, recipients=dict(end.recipients))
        self.rows[end.n - 1] = replace(ended, response=end.response, reasons=end.reasons)
        self.step("closed")


class Ctx(FakeContext):
    """Has the end of a delivery written at once, where the runner writes it with its finish."""

    def __init__(self, world: World) -> None:
        super().__init__(world.folder)
        self._world = world

    def delivered(self, end: DeliveryEnd) -> None:
        self._world.close(end)


@dataclass
class FakeTransport:
    name: str
    world: World

    def send(self, message: Message, recipients: Sequence[str], window: DeliveryWindow, stop: StopToken) -> SendResult:
        self.world.step(f"{self.name} begins")
        if self.name in self.world.behaviour:
            self.world.behaviour[self.name]()
        self.world.got[self.name] += 1  # the provider has it
        self.world.step(f"{self.name} answers")
        return SendResult.same(recipients, Verdict.SENT, "250 queued")

    def was_sent(self, message_id: str) -> bool | None:
        return self.world.got[self.name] > 0 if self.name in self.world.knows else None

    def close(self) -> None:
        pass


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def _away() -> None:
    raise TransportUnavailable("no route")


def test_an_outage_leads_to_the_next_under_the_same_row(world: World) -> None:
    world.behaviour["a"] = _away
    sent = world.send()
    assert (sent.transport, sent.outcome, sent.accepted) == ("b", "sent", [ADA])
    assert [(row.n, row.transport, row.state) for row in world.rows] == [(1, "b", DeliveryState.SENT)]
    assert world.steps.index("moved") < world.steps.index("b begins")


def test_when_all_are_away_each_is_named_and_the_row_ends(world: World) -> None:
    def on_fire() -> None:
        raise TransportUnavailable("on fire", retry_after=9)

    world.behaviour = {"a": _away, "b": on_fire}
    with pytest.raises(TransientError, match="no route; on fire") as caught:
        world.send()
    assert caught.value.retry_after == 9
    assert world.rows[0].recipients == {ADA: "deferred"}


def test_an_unknown_outcome_leads_nowhere_else(world: World) -> None:
    def lost() -> None:
        raise AnswerLost("cut")

    world.behaviour["a"] = lost
    with pytest.raises(TransientError) as caught:
        world.send()
    assert caught.value.code == "delivery_unknown"
    assert world.got["b"] == 0
    world.behaviour["a"] = _away  # and the next try does not go there either
    with pytest.raises(TransientError, match="no route"):
        world.send()
    assert world.got["b"] == 0
    del world.behaviour["a"]
    assert world.send().transport == "a"


def test_too_late_is_no_outage_and_leads_nowhere(world: World) -> None:
    def late() -> None:
        raise TooLate("after 31 s")

    world.behaviour["a"] = late
    for _ in range(ENOUGH + 1):
        with pytest.raises(TransientError, match="after 31 s"):
            world.send()
    assert world.got["b"] == 0


def test_a_refusal_is_an_answer_and_no_reason_to_go_elsewhere(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = SendResult.same((ADA,), Verdict.REFUSED, "550 no")
    monkeypatch.setattr(FakeTransport, "send", lambda *_: refused)
    with pytest.raises(PermanentError, match="550 no"):
        world.send()
    assert world.rows[0].transport == "a"


def test_a_row_that_may_not_move_leads_nowhere(world: World) -> None:
    world.behaviour["a"] = _away
    world.moves = False
    with pytest.raises(TransientError):
        world.send()
    assert world.got["b"] == 0


def test_the_breaker_puts_mail_off_and_its_row_is_never_made(world: World) -> None:
    world.behaviour["a"] = _away
    codes = []
    for _ in range(ENOUGH + 2):
        with pytest.raises((TransientError, Postponed)) as caught:
            world.send("a")
        codes.append((type(caught.value).__name__, caught.value.code))
    assert codes[: ENOUGH - 1] == [("TransientError", "mail_deferred")] * (ENOUGH - 1)
    assert codes[ENOUGH - 1 :] == [("Postponed", "mail_provider_away")] * 3
    assert len(world.rows) == ENOUGH


def test_an_open_breaker_is_passed_by(world: World) -> None:
    world.behaviour["a"] = _away
    for _ in range(ENOUGH):
        world.send()
        world.rows.clear()
    world.steps.clear()
    assert world.send().transport == "b"
    assert "a begins" not in world.steps


def test_a_rate_limit_is_waited_for_and_not_led_around(world: World) -> None:
    world.breakers["a"] = CircuitBreaker(0.5)
    while world.breakers["a"].enter() is None:
        pass  # the burst is used up
    with pytest.raises(Postponed) as caught:
        world.send()
    assert caught.value.code == "mail_rate_limited"
    assert world.got["b"] == 0


def test_a_suppressed_recipient_gets_no_mail(world: World) -> None:
    world.listed = {ADA: "hard bounce"}
    with pytest.raises(PermanentError, match=f"{ADA}: hard bounce") as caught:
        world.send()
    assert caught.value.code == "mail_suppressed"
    assert not world.rows
    assert not world.got


@pytest.mark.parametrize("knows", [frozenset[str](), frozenset({"a"}), frozenset({"b"}), frozenset({"a", "b"})])
@pytest.mark.parametrize("first_away", [False, True])
@pytest.mark.parametrize("policy", [UnknownMailPolicy.RESEND, UnknownMailPolicy.PARK])
@pytest.mark.parametrize("kill_before", range(14))
def test_killed_before_any_step_no_mail_is_doubled_unless_it_is_named_unknown(
    tmp_path: Path, kill_before: int, policy: UnknownMailPolicy, first_away: bool, knows: frozenset[str]
) -> None:
    world = World(tmp_path, policy, kill_before, knows=knows)
    if first_away:
        world.behaviour["a"] = _away
    with suppress(Killed):
        world.send()
    world.kill_before = None
    world.behaviour.clear()  # the next process finds both well
    world.rows = [replace(row, age_seconds=181.0) for row in world.rows]
    outcome = "parked"
    with suppress(PermanentError):
        outcome = world.send().outcome
    assert outcome != "parked" or policy is UnknownMailPolicy.PARK
    mails = sum(world.got.values())
    named_unknown = any(row.state is DeliveryState.UNKNOWN for row in world.rows)
    assert mails <= 1 or (outcome == "unknown" and named_unknown), (world.steps, world.got)
    assert mails >= 1 or outcome == "parked"
    if policy is UnknownMailPolicy.PARK:
        assert mails <= 1
    if mails == 2:
        assert len([name for name in world.got if world.got[name]]) == 1  # under one id, at one provider


@pytest.mark.parametrize("kill_before", range(14))
def test_a_young_row_keeps_everybody_waiting(tmp_path: Path, kill_before: int) -> None:
    world = World(tmp_path, kill_before=kill_before, behaviour={"a": _away})
    with suppress(Killed):
        world.send()
    mails = sum(world.got.values())
    world.kill_before = None
    if world.rows and world.rows[-1].state is DeliveryState.OPEN:
        with pytest.raises(Postponed):
            world.send()
        assert sum(world.got.values()) == mails
