"""Rate limit and quotas: 429, when to come again, and headers that tell before."""

from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from bureau.ledger.access.keys import Role
from bureau.ledger.db.tables import rate_limits
from bureau.services.gateway.app import create_app
from bureau.services.gateway.settings import GatewaySettings
from tests.integration.gateway.conftest import make_door
from tests.integration.gateway.keyed import Keyed, keyed_gateway

POLICY = '"requests";q=3;w=60'


def limited(answer: httpx.Response, slug: str = "too-many-requests") -> bool:
    if answer.status_code != 429:
        return False
    assert answer.json()["type"] == f"/problems/{slug}"
    assert int(answer.headers["Retry-After"]) >= 1
    return True


def make_full(keyed: Keyed) -> None:
    """A minute goes by."""
    with keyed.door.db.transaction() as connection:
        connection.execute(update(rate_limits).values(full_at=0))


def test_every_answer_tells_how_many_requests_are_left(tmp_path: Path) -> None:
    with keyed_gateway(tmp_path, GatewaySettings(rate_limit_per_minute=3)) as keyed:
        answers = [keyed.ask("GET", path) for path in ("/v1/jobs", "/v1/nothing", "/v1/jobs?x=y", "/v1/jobs", "/")]
        assert [answer.status_code for answer in answers] == [200, 404, 422, 200, 429]
        told = [answer.headers.get("RateLimit") for answer in answers]
        assert told[1] is None  # no route, no key, nothing counted
        assert [one for one in told if one][:3] == [f'"requests";r={left};t=20' for left in (2, 1, 0)]
        assert all(answer.headers["RateLimit-Policy"] == POLICY for answer in answers if "RateLimit" in answer.headers)
        assert limited(answers[-1])
        last = answers[-1].headers
        assert last["RateLimit"] == f'"requests";r=0;t={last["Retry-After"]}'


def test_each_key_has_a_bucket_and_the_limit_comes_before_the_role(tmp_path: Path) -> None:
    with keyed_gateway(tmp_path, GatewaySettings(rate_limit_per_minute=3)) as keyed:
        statuses = [keyed.ask("GET", "/v1/workers", "ada", Role.VIEW).status_code for _ in range(4)]
        assert statuses == [403, 403, 403, 429]
        assert keyed.ask("GET", "/v1/jobs", "ada", Role.SUBMIT).status_code == 200
        assert keyed.ask("GET", "/v1/jobs", "bob", Role.VIEW).status_code == 200
        assert keyed.ask("GET", "/healthz", "ada", Role.VIEW).status_code == 200


def test_two_gateway_processes_count_together(tmp_path: Path) -> None:
    settings = GatewaySettings(rate_limit_per_minute=6)
    with keyed_gateway(tmp_path, settings) as keyed:
        keyed.ask("GET", "/v1/jobs")
        key = keyed.made["ada", Role.OPERATE]
        second = second_gateway(keyed, tmp_path, settings)
        statuses = []
        for n in range(8):
            client = second if n % 2 else keyed.door.client
            statuses.append(client.get("/v1/jobs", headers={"Authorization": f"Bearer {key.text()}"}).status_code)
        assert statuses == [200] * 5 + [429] * 3


def second_gateway(keyed: Keyed, folder: Path, settings: GatewaySettings) -> httpx.Client:
    """Another application on the same ledger."""
    app = create_app(settings, keyed.door.db, keyed.door.storage, keyed.door.relay)
    return httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://localhost:8600")


def test_a_key_over_its_rate_limit_is_refused_without_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with keyed_gateway(tmp_path, GatewaySettings(rate_limit_per_minute=1)) as keyed:
        keyed.ask("GET", "/v1/jobs")
        assert limited(keyed.ask("GET", "/v1/jobs"))
        monkeypatch.setattr("bureau.ledger.access.rate_limits.take", None)
        assert limited(keyed.ask("GET", "/v1/jobs"))


def test_a_limit_of_zero_is_none(tmp_path: Path) -> None:
    with keyed_gateway(tmp_path, GatewaySettings(rate_limit_per_minute=0)) as keyed:
        answer = keyed.ask("GET", "/v1/jobs")
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers
        assert "RateLimit-Policy" not in answer.headers


def test_open_jobs_are_limited_until_one_ends(tmp_path: Path) -> None:
    with keyed_gateway(tmp_path, GatewaySettings(quota_open_jobs=2)) as keyed:
        first = keyed.job()
        keyed.job()
        third = keyed.mail()
        assert limited(third, "too-many-open-jobs")
        assert "ada has 2 jobs that have not ended; QUOTA_OPEN_JOBS allows 2" in third.json()["detail"]
        assert keyed.mail("bob").status_code == 202
        keyed.ask("POST", f"/v1/jobs/{first}/cancel")
        assert keyed.mail().status_code == 202


def test_a_batch_fits_whole_or_not_at_all(tmp_path: Path) -> None:
    spec = {"tasks": [{"name": "add", "run": "shop.suma", "input": {"a": 1, "b": 2}}]}
    with keyed_gateway(tmp_path, GatewaySettings(quota_open_jobs=3)) as keyed:
        assert limited(keyed.ask("POST", "/v1/jobs/batch", json={"jobs": [spec] * 4}), "too-many-open-jobs")
        assert keyed.ask("GET", "/v1/jobs").json()["items"] == []
        assert keyed.ask("POST", "/v1/jobs/batch", json={"jobs": [spec] * 3}).status_code == 202


def test_stored_bytes_are_limited_and_what_was_refused_leaves_nothing(tmp_path: Path) -> None:
    with keyed_gateway(tmp_path, GatewaySettings(quota_stored_bytes=10)) as keyed:
        keyed.file(contents=b"123456")
        upload = {"file": ("b.csv", b"12345")}
        refused = keyed.ask("POST", "/v1/files", files=upload)
        assert limited(refused, "too-many-bytes-stored")
        assert "ada has 6 bytes stored; QUOTA_STORED_BYTES allows 10" in refused.json()["detail"]
        roster = {"files": ("b.csv", b"12345")}
        assert limited(keyed.ask("POST", "/v1/certificates", files=roster), "too-many-bytes-stored")
        assert len(keyed.door.stored()) == 1
        keyed.file(contents=b"1234")
        assert limited(keyed.mail(), "too-many-bytes-stored")  # full: nothing that may bring more is taken
        assert keyed.mail("bob").status_code == 202


def test_a_refused_request_may_come_again_with_its_idempotency_key(tmp_path: Path) -> None:
    with keyed_gateway(tmp_path, GatewaySettings(quota_open_jobs=1)) as keyed:
        first = keyed.job()
        assert limited(keyed.mail(headers={"Idempotency-Key": "k"}), "too-many-open-jobs")
        keyed.ask("POST", f"/v1/jobs/{first}/cancel")
        assert keyed.mail(headers={"Idempotency-Key": "k"}).status_code == 202


def test_without_keys_there_are_no_limits(tmp_path: Path) -> None:
    door = make_door(tmp_path, GatewaySettings(rate_limit_per_minute=1, quota_open_jobs=1, quota_stored_bytes=1))
    door.announce("mailer")
    mail = {"to": ["ada@example.com"], "subject": "Hello", "text": "It works."}
    answers = [door.post("/v1/emails", mail) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert "RateLimit" not in answers[0].headers
    door.client.close()
    door.db.close()


@pytest.mark.parametrize("path", ["/login", "/logout", "/theme"])
def test_without_a_key_a_form_has_a_few_kilobytes(tmp_path: Path, path: str) -> None:
    with keyed_gateway(tmp_path) as keyed:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = keyed.door.client.post(path, content=b"key=" + b"%41" * 3000, headers=form)
        assert answer.status_code == 413
        assert "8192" in answer.text


def test_a_body_that_is_to_be_empty_is(tmp_path: Path) -> None:
    with keyed_gateway(tmp_path) as keyed:
        answer = keyed.ask("POST", f"/v1/jobs/{keyed.job()}/cancel", content=b" " * 5000)
        assert answer.status_code == 413


def test_hundreds_of_query_parameters_are_refused_at_once(tmp_path: Path) -> None:
    with keyed_gateway(tmp_path) as keyed:
        answer = keyed.door.client.get("/healthz?" + "&".join(f"p{number}=1" for number in range(846)))
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "too_many")


@pytest.mark.parametrize("media_type", ["APPLICATION/JSON", "Application/Json; charset=UTF-8"])
def test_a_media_type_may_be_written_in_any_case(tmp_path: Path, media_type: str) -> None:
    with keyed_gateway(tmp_path) as keyed:
        body = b'{"to": ["ada@example.com"], "subject": "Hello", "text": "x"}'
        answer = keyed.ask("POST", "/v1/emails", content=body, headers={"Content-Type": media_type})
        assert answer.status_code == 202, answer.text
