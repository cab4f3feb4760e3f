"""Tests the command that applies a project's schedules."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from bureau.client import Bureau
from tests.integration.django.conftest import Shop

GREET = {"cron": "0 7 * * *", "time_zone": "Europe/Paris", "task": "shop.tasks.remind", "args": ["Ada"]}


@pytest.fixture
def gateway(shop: Shop) -> Iterator[Bureau]:
    """The gateway, without schedules at the beginning and the end."""
    from bureau.django.models import AppliedSchedule

    with Bureau(shop.bureau.api.url) as client:
        yield client
        for schedule in client.schedules():
            client.delete_schedule(schedule["name"])
    AppliedSchedule.objects.all().delete()


def apply(declared: Any, *arguments: str, **options: Any) -> str:
    from django.core.management import call_command
    from django.test import override_settings

    out = StringIO()
    with override_settings(BUREAU_SCHEDULES=declared):
        call_command("bureau_schedules", *arguments, stdout=out, **options)
    return out.getvalue()


def names(gateway: Bureau) -> list[str]:
    return [schedule["name"] for schedule in gateway.schedules()]


def test_schedules_are_put_changed_and_deleted_and_the_next_runs_are_told(gateway: Bureau) -> None:
    daily = {"every_seconds": 86400, "task": "shop.tasks.count", "args": [3], "queue": "slow", "priority": 50}
    told = apply({"greet": GREET, "daily": daily}).splitlines()
    assert told[0].split() == ["name", "when", "next", "runs"]
    assert told[1].split()[:2] == ["greet", "0"]
    assert "created" in told[1]
    assert told[1].count(" 07:00") == 2
    job: Any = gateway.schedule("daily")["job"]
    assert (job["tasks"][0]["run"], job["tasks"][0]["input"]["args"]) == ("slow.shop.tasks.count", [3])
    changed = apply({"greet": {**GREET, "cron": "30 7 * * *"}})
    assert "changed" in changed
    assert "daily" in changed
    assert "deleted" in changed
    assert names(gateway) == ["greet"]
    assert gateway.run_schedule("greet").wait(60).result() == "Hello Ada"


def test_an_unchanged_schedule_is_not_put_again_so_a_pause_stays(gateway: Bureau) -> None:
    apply({"greet": GREET})
    gateway.change_schedule("greet", enabled=False)
    saved = gateway.schedule("greet")["updated_at"]
    told = apply({"greet": GREET})
    assert "unchanged" in told
    assert "paused" in told
    assert gateway.schedule("greet")["updated_at"] == saved
    apply({"greet": {**GREET, "args": ["Bob"]}})
    assert not gateway.schedule("greet")["enabled"]


def test_schedules_of_others_are_left_alone(gateway: Bureau) -> None:
    from django.core.management import CommandError

    gateway.put_schedule("greet", email={"to": ["ada@example.com"], "subject": "x", "text": "y"}, cron="@daily")
    with pytest.raises(CommandError, match=r"did not make: greet\. Rename"):
        apply({"greet": GREET, "new": GREET})
    assert names(gateway) == ["greet"]
    apply({})
    assert names(gateway) == ["greet"]
    assert "changed" in apply({"greet": GREET}, take_over=True)


def test_a_dry_run_changes_nothing(gateway: Bureau) -> None:
    assert "to create" in apply({"greet": GREET}, dry_run=True)
    assert names(gateway) == []


def test_a_command_that_died_after_each_request_is_finished_by_the_next(gateway: Bureau, monkeypatch: Any) -> None:
    from bureau.django.models import AppliedSchedule

    def dies(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    for method in ("put_schedule", "delete_schedule"):
        before = getattr(Bureau, method)
        declared = {"greet": GREET} if method == "put_schedule" else {}
        for die in (dies, lambda *given, before=before, **more: (before(*given, **more), dies())):
            monkeypatch.setattr(Bureau, method, die)
            with pytest.raises(KeyboardInterrupt):
                apply(declared)
            monkeypatch.setattr(Bureau, method, before)
            assert AppliedSchedule.objects.filter(pk="greet").exists()
        apply(declared)
        assert names(gateway) == list(declared)
        assert list(AppliedSchedule.objects.values_list("pk", flat=True)) == list(declared)


def test_all_errors_are_told_by_name_before_anything_is_put(gateway: Bureau, tmp_path: Path) -> None:
    from django.core.management import CommandError

    wrong = {
        "gone": {**GREET, "task": "shop.tasks.gone"},
        "no-task": {**GREET, "task": "shop.models.Order"},
        "twice": {**GREET, "report": {}},
        "when": {"task": "shop.tasks.remind"},
        "stray": {"cron": "@daily", "report": {"report": "x"}, "args": [1]},
        "odd": {**GREET, "crno": 1},
        "type": {**GREET, "args": [tmp_path]},
        "fine": GREET,
    }
    with pytest.raises(CommandError) as told:
        apply(wrong)
    assert [line.partition(":")[0] for line in str(told.value).splitlines()] == [one for one in wrong if one != "fine"]
    assert names(gateway) == []
    with pytest.raises(CommandError, match="no schedules: set BUREAU_SCHEDULES"):
        apply(None)


def test_schedules_come_from_a_file_too(gateway: Bureau, tmp_path: Path) -> None:
    from django.core.management import CommandError

    toml = tmp_path / "schedules.toml"
    toml.write_text('[schedules.greet]\ncron = "@daily"\ntask = "shop.tasks.remind"\nargs = ["Ada"]\n')
    apply(None, str(toml))
    assert names(gateway) == ["greet"]
    (tmp_path / "schedules.json").write_text(json.dumps({"other": GREET}))
    apply(None, str(tmp_path / "schedules.json"))
    assert names(gateway) == ["other"]
    for name, text in (("broken.json", "{"), ("none.json", None)):
        if text:
            (tmp_path / name).write_text(text)
        with pytest.raises(CommandError, match=name):
            apply(None, str(tmp_path / name))


def test_what_the_gateway_refuses_is_told_and_the_rest_is_not_lost(gateway: Bureau) -> None:
    from django.core.management import CommandError

    with pytest.raises(CommandError, match="cron"):
        apply({"a": GREET, "b": {**GREET, "cron": "61 * * * *"}})
    assert names(gateway) == ["a"]
    assert "b" in apply({"a": GREET, "b": GREET})
