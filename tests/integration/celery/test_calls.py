"""Tests what a call can ask for, and what a worker makes of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bureau.celery import Celery, chain, chord, group, signature
from bureau.celery.exceptions import ChordError, TaskError, TaskRevokedError, TimeLimitExceeded
from bureau.celery.exceptions import TimeoutError as NotInTime
from bureau.celery.result import AsyncResult, GroupResult
from bureau.celery.sending import gateway
from bureau.celery.signals import before_task_publish
from tests.integration.celery.conftest import Clinic
from tests.support.waiting import until

OURS = "tests.integration.celery.worker_app"


def sig(name: str, *args: Any, **kwargs: Any) -> Any:
    return signature(f"{OURS}.{name}", args=args, kwargs=kwargs)


def sent(app: Celery, name: str, *args: Any, **options: Any) -> AsyncResult:
    return app.send_task(f"{OURS}.{name}", args, **options)


def lines(path: Path, count: int) -> list[str]:
    """The lines that tasks wrote, once there are so many."""
    until(lambda: path.exists() and len(path.read_text().splitlines()) >= count, 60, f"{count} lines in {path}")
    return path.read_text().splitlines()


def test_a_countdown_delays_a_call_and_a_later_step_of_a_chain(app: Celery) -> None:
    now = datetime.now(UTC)
    first = sent(app, "later_than", now.isoformat(), countdown=1)
    second = chain(sig("moment"), sig("later_than").set(countdown=1.5)).delay()
    eta = sent(app, "later_than", now.isoformat(), eta=now + timedelta(seconds=2))
    assert first.get(timeout=60) >= 1
    assert second.get(timeout=60) >= 1.5
    assert eta.get(timeout=60) >= 2


def test_a_soft_limit_is_raised_in_the_task_and_a_hard_one_ends_it_for_good(app: Celery) -> None:
    caught = sent(app, "takes_too_long")
    in_time = sent(app, "takes_too_long", 0.01)
    ended = sent(app, "is_ended")
    assert caught.get(timeout=60) == "cleaned up"
    assert in_time.get(timeout=60) == "in time"
    with pytest.raises(TimeLimitExceeded):
        ended.get(timeout=60)
    assert ended.retries == 0  # a time limit is no reason to try again


def test_a_state_of_its_own_shows_while_a_task_runs(app: Celery, tmp_path: Path) -> None:
    result = sent(app, "waits_for", str(tmp_path / "go"))
    until(lambda: result.state == "PROGRESS", 60, "the state")
    assert result.info == {"current": 1, "total": 4, "note": ["any", {"JSON": None}]}
    assert not result.ready()
    with pytest.raises(NotInTime):
        result.get(timeout=0.1)
    (tmp_path / "go").touch()
    assert result.get(timeout=60) == "it is there"
    assert (result.state, result.successful(), result.name) == ("SUCCESS", True, f"{OURS}.waits_for")
    (task,) = gateway.client().get(result.id).tasks
    assert task["meta"] == {
        "celery": {"state": "PROGRESS", "meta": {"current": 1, "total": 4, "note": ["any", {"JSON": None}]}}
    }


def test_a_state_that_is_too_large_fails_the_task_and_says_so(app: Celery) -> None:
    with pytest.raises(TaskError, match=r"invalid_meta: A task's meta has at most 4,096 bytes of JSON; this has 5,\d+"):
        sent(app, "says_too_much").get(timeout=60)


def test_callbacks_get_the_result_and_errbacks_the_failure(app: Celery, same: Any, tmp_path: Path) -> None:
    good, bad, by_id = (tmp_path / name for name in ("good", "bad", "id"))
    same.add.apply_async((1, 2), link=sig("writes", str(good)))
    failed = same.fails.apply_async(("no",), link_error=[sig("on_error", str(bad)), sig("on_error_by_id", str(by_id))])
    same.add.apply_async((1, 2), link_error=sig("writes", "never", str(bad)))
    assert lines(good, 1) == ["3"]
    assert lines(by_id, 1) == [failed.id]
    assert lines(bad, 1) == ["same.fails ['no'] ValueError no"]
    (written,) = AsyncResult(failed.id).children[:1]
    assert written.get(timeout=60) is None


def test_a_chord_whose_header_fails_is_a_chord_error(same: Any) -> None:
    result = chord([same.add.s(1, 1), same.fails.s("one")], same.total.s()).delay()
    with pytest.raises(ChordError, match="ValueError"):
        result.get(timeout=60)


def test_a_group_is_found_again_and_revoked(app: Celery, same: Any) -> None:
    made = group(same.add.s(number, 0) for number in range(5)).delay()
    assert made.get(timeout=60) == list(range(5))
    found = GroupResult.restore(made.id)
    assert found is not None
    assert found.get(timeout=60) == list(range(5))
    waiting = group(same.add.s(1, 1), same.add.s(2, 2)).apply_async(countdown=3600)
    waiting.revoke()
    assert [one.state for one in waiting] == ["REVOKED", "REVOKED"]
    with pytest.raises(TaskRevokedError):
        waiting[0].get(timeout=1)


def test_a_task_that_runs_is_revoked_only_with_terminate(app: Celery, tmp_path: Path) -> None:
    result = sent(app, "waits_for", str(tmp_path / "never"))
    until(lambda: result.state == "PROGRESS", 60, "the start")
    assert result.id in [task["id"] for tasks in app.control.inspect().active().values() for task in tasks]
    app.control.revoke(result.id)
    assert result.state == "PROGRESS"
    app.control.revoke(result.id, terminate=True)
    until(result.ready, 60, "its end")
    assert result.state == "REVOKED"
    result.forget()
    assert AsyncResult(result.id).state == "PENDING"


def test_what_expired_is_revoked(app: Celery) -> None:
    whole = sent(app, "moment", countdown=1, expires=0.1)
    step = chain(sig("moment"), sig("later_than").set(expires=datetime.now(UTC) - timedelta(seconds=1))).delay()
    with pytest.raises(TaskRevokedError):
        step.get(timeout=60)
    until(whole.ready, 60, "the expiry")
    assert whole.state == "REVOKED"


def test_a_task_gives_itself_back_without_a_retry(app: Celery, tmp_path: Path) -> None:
    assert sent(app, "gives_itself_back_once", str(tmp_path / "seen")).get(timeout=60) == "retries: 0"


def test_what_is_ignored_ends_what_waits_for_it(app: Celery, same: Any, tmp_path: Path) -> None:
    result = chain(same.ignores.s(), sig("writes", str(tmp_path / "never"))).delay()
    until(result.ready, 60, "its end")
    assert result.state == "REVOKED"
    assert not (tmp_path / "never").exists()


def test_a_state_that_was_set_before_ignore_stays(app: Celery) -> None:
    result = sent(app, "fails_in_its_own_way")
    until(result.ready, 60, "its end")
    assert (result.state, result.result) == ("FAILURE", {"why": "own"})


def test_headers_come_with_the_call_and_from_a_signal(app: Celery) -> None:
    def add_header(headers: dict[str, Any], **_: Any) -> None:
        headers["trace"] = "7f"

    before_task_publish.connect(add_header)
    try:
        told = sent(app, "headers", headers={"tenant": 4}).get(timeout=60)
    finally:
        before_task_publish.disconnect(add_header)
    assert told == {"tenant": 4, "trace": "7f"}


def test_signals_are_sent_around_a_task(app: Celery, tmp_path: Path) -> None:
    for fail in (False, True):
        path = tmp_path / str(fail)
        result = app.send_task(f"{OURS}.is_watched", (fail,), {"signals": str(path)})
        until(result.ready, 60, "its end")
        ends = ["task_failure", "task_postrun FAILURE"] if fail else ["task_postrun SUCCESS"]
        assert lines(path, 1 + len(ends)) == ["task_prerun", *ends]


def test_a_call_chooses_its_id_its_queue_and_its_priority(app: Celery) -> None:
    chosen = str(uuid4())
    options = {"task_id": chosen, "queue": "statements", "priority": 9, "shadow": "shown so"}
    result = sent(app, "delivered", **options)
    assert (result.get(timeout=60), result.id) == ("statements", chosen)
    again = sent(app, "delivered", **options)  # the same id: the same job
    assert again.date_done == result.date_done


def test_an_async_task_runs_on_the_loop_and_a_result_may_be_ignored(app: Celery) -> None:
    assert sent(app, "awaits", 1, 2).get(timeout=60) == 3
    assert sent(app, "is_told_of", ignore_result=True).get(timeout=60) is None


def test_control_knows_workers_and_empties_queues(app: Celery) -> None:
    inspect = app.control.inspect()
    assert {"ok": "pong"} in inspect.ping().values()
    assert any("clinic.tasks.remind" in tasks for tasks in inspect.registered().values())
    waiting = sent(app, "moment", countdown=3600)
    assert waiting.id in [task["id"] for task in inspect.scheduled()["bureau"]]
    assert app.control.purge() >= 1
    assert waiting.state == "REVOKED"


def test_nothing_is_sent_for_a_name_that_no_worker_has(app: Celery, clinic: Clinic) -> None:
    from bureau.client import Problem

    with pytest.raises(Problem, match=r"nothing\.such"):
        app.send_task("nothing.such")
    assert AsyncResult(str(uuid4())).state == "PENDING"


def test_a_task_that_waits_for_another_is_refused(same: Any) -> None:
    from bureau.celery import state
    from bureau.celery.app.request import Context

    result = same.add.delay(1, 1)
    token = state.CURRENT.set((same.add, Context(called_directly=False)))
    try:
        with pytest.raises(RuntimeError, match="within a task"):
            result.get(timeout=1)
    finally:
        state.CURRENT.reset(token)
