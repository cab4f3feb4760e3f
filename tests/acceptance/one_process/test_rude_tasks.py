"""Tasks of code from elsewhere, in the process that they share with everything else."""

from tests.support.running.embedded import EmbeddedBureau
from tests.support.waiting import until


def test_an_exception_that_cannot_be_put_into_words_fails_its_task(plain: EmbeddedBureau) -> None:
    job = plain.api.ended(plain.api.run({"name": "rude", "run": "rude.raise"}))
    (task,) = job["tasks"]
    assert (job["state"], task["attempt"], task["error"]["code"]) == ("failed", 2, "unexpected_error")
    assert task["error"]["message"] == "rude.raise raised Rude, which cannot be put into words."


def test_a_task_that_never_looks_is_cancelled_and_its_neighbour_goes_on(plain: EmbeddedBureau) -> None:
    api = plain.api
    spinning = api.run({"name": "spin", "run": "rude.spin"})
    neighbour = api.run({"name": "nap", "run": "naps.polite", "input": {"seconds": 600}})
    until(lambda: {api.job(job["id"])["state"] for job in (spinning, neighbour)} == {"running"}, 60, "both run")
    api.client.post(f"/v1/jobs/{spinning['id']}/cancel").raise_for_status()
    assert api.ended(spinning)["state"] == "cancelled"
    assert api.job(neighbour["id"])["state"] == "running"
    api.client.post(f"/v1/jobs/{neighbour['id']}/cancel").raise_for_status()
    assert api.ended(neighbour)["state"] == "cancelled"


def test_a_task_that_never_looks_ends_at_its_time_limit(plain: EmbeddedBureau) -> None:
    terms = {"time_limit_seconds": 1, "retry": {"max_attempts": 1}}
    job = plain.api.ended(plain.api.run({"name": "spin", "run": "rude.spin", **terms}))
    assert (job["state"], job["error"]["code"]) == ("failed", "time_limit")


def test_a_queue_full_of_long_tasks_keeps_no_mail_waiting(plain: EmbeddedBureau) -> None:
    api = plain.api
    naps = [{"name": f"nap-{n}", "run": "naps.polite", "input": {"seconds": 600}} for n in range(20)]
    long = api.run(*naps)
    until(lambda: api.job(long["id"])["counts"].get("running") == 16, 60, "as many as there are threads")
    mail = api.submit("/v1/emails", json={"to": ["ada@example.com"], "subject": "Soon", "text": "Hello."})
    api.succeeded(mail)
    assert api.job(long["id"])["counts"] == {"running": 16, "queued": 4}
    api.client.post(f"/v1/jobs/{long['id']}/cancel").raise_for_status()
    assert api.ended(long)["state"] == "cancelled"
