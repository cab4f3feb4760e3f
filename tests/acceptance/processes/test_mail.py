"""Mail through the front door: templates are looked at before anybody gets one."""

import httpx

from tests.support.running.api import Api

LINK = "https://bureau.example.com/c/x"


def test_a_template_is_previewed_and_sent_to_nobody(api: Api) -> None:
    body = {"context": {"recipient": "Núria", "course": "Anàlisi", "link": LINK}, "language": "ca"}
    answer = api.client.post("/v1/mail/templates/your-certificate/preview", json=body)
    assert answer.status_code == 200, answer.text
    preview = answer.json()
    assert preview["subject"] == "El vostre certificat: Anàlisi"
    assert preview["language"] == "ca"
    assert "Hola Núria" in preview["text"]
    assert LINK in preview["html"]


def test_a_template_error_names_the_missing_value(api: Api) -> None:
    answer = api.client.post("/v1/mail/templates/your-certificate/preview", json={"context": {}})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "#/context"
    assert "`recipient`" in error["detail"]


def test_a_preview_asked_twice_with_one_key_is_made_once(api: Api) -> None:
    def ask() -> httpx.Response:
        body = {"context": {"name": "Ada"}}
        return api.client.post("/v1/mail/templates/welcome/preview", json=body, headers={"Idempotency-Key": "p1"})

    first, second = ask(), ask()
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.json() == second.json()


def test_a_template_that_is_not_there_is_not_found_and_the_others_are_named(api: Api) -> None:
    answer = api.client.post("/v1/mail/templates/wellcome/preview", json={})
    assert answer.status_code == 404
    assert "welcome" in answer.json()["detail"]
