"""Tests what is done with each schedule of a project."""

from typing import Any

import pytest

from bureau.django.operating.schedule_plan import Act, digest_of, plan

BODY = {"cron": "@daily", "job": {"tasks": []}}
SAME = digest_of(BODY)


def there(enabled: bool = True) -> Any:
    return {"daily": {"enabled": enabled}}


@pytest.mark.parametrize(
    ("applied", "existing", "take_over", "act"),
    [
        ({}, {}, False, Act.CREATE),
        ({"daily": SAME}, {}, False, Act.CREATE),  # somebody deleted it at the gateway
        ({"daily": ""}, {}, False, Act.CREATE),  # the command died before it was put
        ({"daily": SAME}, there(), False, Act.KEEP),
        ({"daily": SAME}, there(enabled=False), False, Act.KEEP),
        ({"daily": ""}, there(), False, Act.REPLACE),
        ({"daily": "other"}, there(), False, Act.REPLACE),
        ({}, there(), False, Act.REFUSE),
        ({}, there(), True, Act.REPLACE),
    ],
)
def test_a_declared_schedule(applied: dict[str, str], existing: Any, take_over: bool, act: Act) -> None:
    (step,) = plan({"daily": BODY}, applied, existing, take_over=take_over)
    assert step.act is act


def test_what_the_project_declares_no_more_is_deleted_and_nothing_else() -> None:
    steps = plan({}, {"daily": SAME}, there() | {"of-others": {"enabled": True}})
    assert [(step.act, step.name) for step in steps] == [(Act.DELETE, "daily")]


@pytest.mark.parametrize(("own", "sent"), [({}, False), ({"enabled": True}, True)])
def test_a_changed_schedule_stays_paused_unless_the_project_says_otherwise(own: dict[str, Any], sent: bool) -> None:
    (step,) = plan({"daily": {**BODY, **own}}, {"daily": "other"}, there(enabled=False))
    assert step.body["enabled"] is sent


def test_the_order_of_keys_is_no_change() -> None:
    assert digest_of({"b": 1, "a": {"d": 1, "c": 2}}) == digest_of({"a": {"c": 2, "d": 1}, "b": 1})
