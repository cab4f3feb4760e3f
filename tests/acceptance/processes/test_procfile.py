"""The Procfile, as hosting platforms run it (`tests/support/running/hosted.py`)."""

from tests.support.running.hosted import PROCFILE, Hosted


def test_the_processes_of_the_procfile_run_a_job(hosted: Hosted) -> None:
    assert set(PROCFILE) == {"web", "scheduler", "certificates", "reports", "mailer"}
    roster = ("welding.csv", "recipient,course\nAda Lovelace,Welding\n", "text/csv")
    job = hosted.api.submit("/v1/certificates", files=[("files", roster)], data={"email_to": "dean@example.com"})
    assert hosted.api.succeeded(job)["counts"] == {"succeeded": 2}
