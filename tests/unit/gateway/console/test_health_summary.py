"""The one sentence, as a table of states of things."""

from datetime import UTC, datetime, timedelta

import pytest

from bureau.contracts.outage import Outage
from bureau.ledger.reads.reported_outages import ReportedOutage
from bureau.services.gateway.console.state.dependency import Dependency, DependencyStatus, outside
from bureau.services.gateway.console.text.health_summary import QueueState, State, Tone, health_summary

NOW = datetime(2026, 3, 1, 2, 59, 0, tzinfo=UTC)


def before(**span: float) -> datetime:
    return NOW - timedelta(**span)


MAILER = QueueState("mailer", due=1240, oldest_seconds=400, last_done=before(minutes=6))
BUSY = QueueState("reports", due=3, oldest_seconds=4, running=2, workers=2, last_done=before(seconds=20))


@pytest.mark.parametrize(
    ("queues", "tone", "text"),
    [
        ((), Tone.WARNING, "No worker has started yet."),
        ((QueueState("mailer", workers=1),), Tone.WELL, "All is well. Nothing is waiting."),
        ((BUSY,), Tone.WELL, "All is well: 2 running, 3 waiting."),
        (
            (QueueState("mailer", workers=1, failed=1),),
            Tone.WARNING,
            "1 task failed in the last hour. Everything else works.",
        ),
        (
            (QueueState("mailer", workers=1, failed=1200), BUSY),
            Tone.WARNING,
            "1,200 tasks failed in the last hour. Everything else works.",
        ),
        ((MAILER,), Tone.WRONG, "mailer: nothing finished for 6 min, 1,240 waiting, no worker."),
        (
            (QueueState("mailer", due=1, oldest_seconds=1),),
            Tone.WRONG,
            "mailer: nothing finished in the last hour, 1 waiting, no worker.",
        ),
        (
            (QueueState("mailer", due=7, oldest_seconds=200, workers=2, last_done=before(minutes=4)),),
            Tone.WRONG,
            "mailer: nothing finished for 4 min, 7 waiting, 2 workers.",
        ),
        (
            # what runs may just be long
            (QueueState("mailer", due=7, oldest_seconds=59, running=1, workers=1),),
            Tone.WELL,
            "All is well: 1 running, 7 waiting.",
        ),
        (
            (QueueState("mailer", due=7, oldest_seconds=600, running=4, workers=1, last_done=before(seconds=1)),),
            Tone.WARNING,
            "mailer: behind, 7 waiting, the oldest for 10 min.",
        ),
        (
            (QueueState("mailer", due=12, oldest_seconds=5, workers=1, paused_at=before(hours=2)),),
            Tone.WARNING,
            "mailer: paused for 2 h, 12 waiting.",
        ),
        (
            (QueueState("mailer", workers=1, paused_at=before(seconds=30)),),
            Tone.WARNING,
            "mailer: paused for 30 s.",
        ),
    ],
)
def test_the_sentence(queues: tuple[QueueState, ...], tone: Tone, text: str) -> None:
    said = health_summary(State(NOW, queues))
    assert (said.tone, said.text) == (tone, text)


def test_what_matters_most_comes_first_and_the_rest_is_not_lost() -> None:
    paused = QueueState("shop", workers=1, paused_at=before(minutes=1))
    away = Dependency(
        "RabbitMQ", DependencyStatus.AWAY, before(minutes=9), "Jobs are accepted and start when it is back."
    )
    said = health_summary(State(NOW, (paused, BUSY, MAILER), (Dependency("Storage"), away)))
    assert said.tone is Tone.WRONG
    assert said.text == "RabbitMQ is away since 02:50:00 (9 min)."
    assert said.detail == "Jobs are accepted and start when it is back."
    assert said.more == (
        "mailer: nothing finished for 6 min, 1,240 waiting, no worker.",
        "shop: paused for 1 min.",
    )


def test_what_needs_a_look_is_a_warning_and_what_nobody_knows_is_none() -> None:
    full = Dependency(
        "Storage", DependencyStatus.WARNS, before(minutes=9), "Its file system is 93 % full. Make it larger."
    )
    unknown = Dependency(
        "Mail transport", DependencyStatus.UNKNOWN, detail="Not known, because no worker serves mailer."
    )
    said = health_summary(State(NOW, (BUSY,), (full, unknown)))
    assert (said.tone, said.text, said.more) == (Tone.WARNING, "Storage: its file system is 93 % full.", ())
    assert said.detail == "Make it larger."


def test_what_is_not_said_first_is_said_in_full() -> None:
    away = Dependency("Database", DependencyStatus.AWAY)
    full = Dependency("Storage", DependencyStatus.WARNS, detail="Its file system is 93 % full. Make it larger.")
    assert health_summary(State(NOW, (), (full, away))).more == (
        "Storage: its file system is 93 % full. Make it larger.",
    )


def test_what_workers_need_stands_as_they_say() -> None:
    def away(queue: str, name: str, how: str, workers: int) -> ReportedOutage:
        return ReportedOutage(
            queue, workers, Outage(name=name, how=how, since=before(minutes=9), why="It answered 503.")
        )

    live = {"mailer": 2, "certificates": 1, "shop": 1}
    told = [away("mailer", "smtp", "open circuit", 1), away("shop", "the bank", "closed", 1)]
    assert [(one.name, one.standing, one.detail) for one in outside(told, live)] == [
        ("Mail transport smtp", DependencyStatus.AWAY, "Open circuit, reported by 1 of 2 workers: It answered 503."),
        ("Certificates API", DependencyStatus.OK, None),
        ("the bank", DependencyStatus.AWAY, "Closed: It answered 503."),
    ]
    (mail, api) = outside([away("certificates", "certificates API", "failing", 1)], {"certificates": 1})
    assert (mail.standing, mail.detail) == (DependencyStatus.UNKNOWN, "Not known, because no worker serves mailer.")
    assert (api.name, api.since, api.detail) == ("Certificates API", before(minutes=9), "Failing: It answered 503.")
