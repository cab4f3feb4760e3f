"""Tests Django's admin over Bureau: what it shows, what it does, and to whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bureau.client import Bureau
from tests.integration.django.conftest import Shop
from tests.support.waiting import until

JOBS = "/admin/bureau/job/"
SCHEDULES = "/admin/bureau/schedule/"


@pytest.fixture
def gateway(shop: Shop) -> Iterator[Bureau]:
    with Bureau(shop.bureau.api.url) as client:
        yield client


def logged_in(*permissions: str, superuser: bool = False) -> Any:
    from django.contrib.auth.models import Permission, User
    from django.test import Client

    name = "-".join(permissions) or f"super-{superuser}"
    user, _ = User.objects.get_or_create(username=name, defaults={"is_staff": True, "is_superuser": superuser})
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="bureau", codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def failed_job(gateway: Bureau) -> str:
    from shop.tasks import fail

    job_id = str(fail.enqueue("no <such> page").id)
    gateway.get(job_id).wait(60, check=False)
    return job_id


def history_of(model: str, key: str) -> list[str]:
    from django.contrib.admin.models import LogEntry

    found = LogEntry.objects.filter(content_type__model=model, object_id=key).order_by("pk")
    return [entry.get_change_message() for entry in found]


def test_jobs_are_listed_searched_and_shown_with_their_attempts(shop: Shop, gateway: Bureau) -> None:
    job_id = failed_job(gateway)
    admin = logged_in(superuser=True)
    for query in ("", "?state=failed", "?q=tasks.fail", f"?q={job_id[:13]}"):
        page = admin.get(JOBS + query).content.decode()
        assert f"{JOBS}{job_id}/change/" in page, query
        assert "no &lt;such&gt; page" in page
    assert job_id not in admin.get(f"{JOBS}?state=succeeded").content.decode()
    page = admin.get(f"{JOBS}{job_id}/change/").content.decode()
    assert "LookupError" in page
    assert "Traceback" in page
    assert f'href="{gateway.url}/jobs/{job_id}"' in page
    assert "<such>" not in page


def test_a_failed_job_is_retried_and_an_open_one_cancelled_and_both_stand_in_the_history(gateway: Bureau) -> None:
    from datetime import UTC, datetime, timedelta

    from shop.tasks import remind

    failed = failed_job(gateway)
    later = str(remind.using(run_after=datetime.now(UTC) + timedelta(hours=1)).enqueue("Ada").id)
    admin = logged_in(superuser=True)
    told = admin.post(JOBS, {"action": "retry", "_selected_action": [failed, later]}, follow=True).content.decode()
    assert "1 job retried." in told
    assert f"{later}: " in told  # what the gateway says
    assert history_of("job", failed) == ["Retried."]
    until(lambda: len(gateway.get(failed).tasks[0]["attempts"]) == 2, 60, "the second attempt")
    admin.post(f"{JOBS}{later}/change/", {"action": "cancel"})
    assert gateway.get(later).state == "cancelled"
    assert "Cancelled." in admin.get(f"{JOBS}{later}/history/").content.decode()


def test_permissions_are_django_s(gateway: Bureau) -> None:
    job_id = failed_job(gateway)
    nobody, viewer, doer = logged_in(), logged_in("view_job"), logged_in("view_job", "change_job")
    for address in (JOBS, f"{JOBS}{job_id}/change/", SCHEDULES):
        assert nobody.get(address).status_code == 403
    assert viewer.get(SCHEDULES).status_code == 403
    for address in (JOBS, f"{JOBS}{job_id}/change/"):
        assert 'name="action"' not in viewer.get(address).content.decode()
        assert 'name="action"' in doer.get(address).content.decode()
    assert viewer.post(f"{JOBS}{job_id}/change/", {"action": "retry"}).status_code == 403
    assert doer.get(f"{JOBS}add/").status_code == 403
    assert len(gateway.get(job_id).tasks[0]["attempts"]) == 1
    assert doer.post(f"{JOBS}{job_id}/change/", {"action": "retry"}).status_code == 302


def test_schedules_are_paused_resumed_and_run(gateway: Bureau) -> None:
    job = {"tasks": [{"name": "a", "run": "default.shop.tasks.remind", "input": {"args": ["Ada"], "kwargs": {}}}]}
    gateway.put_schedule("night_ly", job, cron="0 3 * * *", time_zone="Asia/Kolkata")
    admin = logged_in(superuser=True)
    address = f"{SCHEDULES}night_5Fly/change/"
    for page in (SCHEDULES, address):
        shown = admin.get(page).content.decode()
        assert "0 3 * * * (Asia/Kolkata)" in shown
        assert ", 3 a.m." in shown  # in the zone of the schedule, not of the project
    for action, enabled in (("pause", False), ("resume", True)):
        assert f'value="{action}"' in admin.get(address).content.decode()
        admin.post(address, {"action": action})
        assert gateway.schedule("night_ly")["enabled"] is enabled
    assert (
        "1 schedule run."
        in admin.post(SCHEDULES, {"action": "run", "_selected_action": ["night_ly"]}, follow=True).content.decode()
    )
    last: Any = gateway.schedule("night_ly")["last_job"]
    assert f"{JOBS}{last['id']}/change/" in admin.get(address).content.decode()
    assert history_of("schedule", "night_ly") == ["Paused.", "Resumed.", "Run."]
    gateway.delete_schedule("night_ly")
    assert admin.get(address).status_code == 302  # as for any object that is gone


def test_an_order_shows_its_job(gateway: Bureau) -> None:
    from shop.models import Order

    job_id = failed_job(gateway)
    order = Order.objects.create(customer="Ada", total=5, job=job_id)
    admin = logged_in(superuser=True)
    page = admin.get(f"/admin/shop/order/{order.pk}/change/").content.decode()
    assert f'<a href="{JOBS}{job_id}/change/">shop.tasks.fail</a>: failed' in page
    assert f"{JOBS}{job_id}/change/" in admin.get("/admin/shop/order/").content.decode()
    order.delete()


def test_while_the_gateway_is_away_the_admin_says_so(shop: Shop) -> None:
    from django.test import override_settings

    away = {
        "default": {
            "BACKEND": "bureau.django.backend.BureauBackend",
            "OPTIONS": {"URL": "http://127.0.0.1:1", "PATIENCE": 0},
        }
    }
    admin = logged_in(superuser=True)
    with override_settings(TASKS=away):
        for address in (JOBS, SCHEDULES, f"{JOBS}7/change/"):
            answer = admin.get(address)
            assert answer.status_code == 503
            assert "Bureau does not answer: Cannot reach Bureau" in answer.content.decode()


def test_the_outbox_is_shown_and_what_was_refused_can_be_sent_again(shop: Shop, gateway: Bureau) -> None:
    from bureau.contracts.ids import new_id
    from bureau.django.models import Submission

    given = {"args": ["Ada"], "kwargs": {}}
    body = {"tasks": [{"name": "task", "run": "default.shop.tasks.remind", "input": given}], "title": "stuck"}
    row = Submission.objects.create(id=new_id(), sender="tasks:default", path="/v1/jobs", body=body)
    row.refuse("no such queue")
    admin = logged_in(superuser=True)
    address = "/admin/bureau/submission/"
    assert "no such queue" in admin.get(address).content.decode()
    assert 'name="_save"' not in admin.get(f"{address}{row.pk}/change/").content.decode()
    told = admin.post(address, {"action": "send_now", "_selected_action": [str(row.pk)]}, follow=True).content.decode()
    assert "1 sent." in told
    assert gateway.get(str(row.pk)).wait(60).result() == "Hello Ada"


def test_models_without_tables_are_no_trouble_to_django(shop: Shop) -> None:
    from io import StringIO

    from django.core.management import call_command

    for all_managers in (False, True):
        call_command("dumpdata", "bureau", stdout=(out := StringIO()), use_base_manager=all_managers)
        assert out.getvalue().strip() == "[]"
