"""Certificates from roster to people: each is mailed their own, and its link names them, for whoever follows it."""

import io
import json
import zipfile
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.acceptance.conftest import Guarded
from tests.support.running.embedded import EmbeddedBureau

ROSTER = (
    "Nombre y apellidos;Correo;Curso;Idioma\n"
    "María Núñez;maria@example.com;Soldadura;es\n"
    "Ada Lovelace;ada@example.com;Welding;en\n"
    "Nobody Known;;Welding;\n"
)


def manifest(bureau: EmbeddedBureau, job: dict[str, Any]) -> list[dict[str, str]]:
    (archive,) = [file for file in job["artifacts"] if file["name"].endswith(".zip")]
    data = bureau.api.client.get(archive["url"]).raise_for_status().content
    with zipfile.ZipFile(io.BytesIO(data)) as members:
        listed: list[dict[str, str]] = json.loads(members.read("manifest.json"))["certificates"]
    return listed


def mailed_to_each(bureau: EmbeddedBureau) -> dict[str, Any]:
    """A job whose certificates went to their recipients, with a link that names each."""
    job = bureau.api.succeeded(
        bureau.api.submit(
            "/v1/certificates",
            files=[("files", ("spring.csv", ROSTER.encode("cp1252"), "text/csv"))],
            data={"deliver": "recipients"},
        )
    )
    people = manifest(bureau, job)
    sent = [f"issue:send-{person['serial']}" for person in people[:2]]
    assert [task["name"] for task in job["tasks"]] == ["issue", *sent]

    def page(person: dict[str, str]) -> str:
        path = urlsplit(person["link"]).path
        return httpx.get(f"{bureau.api.url}{path}", headers={"Accept-Language": "en"}).text  # for who has no key

    for person in people:
        assert person["recipient"] in page(person)
        assert "This certificate is valid" in page(person)
    bureau.api.client.post(f"/v1/certificates/{people[0]['serial']}/revoke", json={}).raise_for_status()
    assert "This certificate was revoked" in page(people[0])
    return job


def test_each_is_mailed_their_own_and_its_link_names_them(plain: EmbeddedBureau) -> None:
    """The key that signs them is made by Bureau and kept."""
    job = mailed_to_each(plain)
    ids = [task["result"]["message_id"].strip("<>") for task in job["tasks"][1:]]
    mails = "".join((plain.outbox / f"{message_id}.eml").read_text() for message_id in ids)
    assert "To: maria@example.com" in mails
    assert "To: ada@example.com" in mails


def test_a_failure_is_mailed_with_the_errors_of_the_roster(plain: EmbeddedBureau) -> None:
    roster = "Nombre;Correo\nAda Lovelace;ada@@example.com\nGrace Hopper;grace@example.com\n"
    files = [("files", ("mayo.csv", roster.encode(), "text/csv"))]
    form = {"failure_email_to": "ops@example.com", "language": "es", "title": "Mayo"}
    ended = plain.api.ended(plain.api.submit("/v1/certificates", files=files, data=form))
    assert ended["state"] == "failed"
    assert [(task["name"], task["state"]) for task in ended["tasks"]] == [
        ("issue", "failed"),
        ("tell", "succeeded"),
        ("tell:send", "succeeded"),
    ]
    message_id = ended["tasks"][2]["result"]["message_id"].strip("<>")
    told = message_from_bytes((plain.outbox / f"{message_id}.eml").read_bytes(), policy=policy.default)
    text = told.get_body(("plain",))
    assert told["Subject"] == "Ha fallado: Mayo"
    assert text is not None
    assert "mayo.csv, línea 2" in text.get_content()


def test_the_archive_of_a_spanish_roster_comes_with_a_spanish_mail(plain: EmbeddedBureau) -> None:
    roster = "Nombre y apellidos;Correo\nMaría Núñez;maria@example.com\n"
    files = [("files", ("mayo.csv", roster.encode(), "text/csv"))]
    job = plain.api.succeeded(plain.api.submit("/v1/certificates", files=files, data={"email_to": "dean@example.com"}))
    message_id = job["tasks"][1]["result"]["message_id"].strip("<>")
    told = message_from_bytes((plain.outbox / f"{message_id}.eml").read_bytes(), policy=policy.default)
    assert told["Subject"].startswith("Certificados listos: ")


def test_they_are_signed_with_a_key_that_is_given(guarded: Guarded) -> None:
    job = mailed_to_each(guarded.bureau)
    ids = {task["result"]["message_id"] for task in job["tasks"][1:]}
    assert {mail.recipients for mail in guarded.mail.mails if mail.message_id in ids} == {
        ("maria@example.com",),
        ("ada@example.com",),
    }


def test_an_unreached_recipient_is_shown_on_the_job_and_mailed_again_alone(guarded: Guarded) -> None:
    api, mail = guarded.bureau.api, guarded.mail
    before = len(mail.mails)
    mail.to_recipients["maria@example.com"] = "550 no such user"
    try:
        files = [("files", ("r.csv", ROSTER, "text/csv"))]
        job = api.submit("/v1/certificates", files=files, data={"deliver": "recipients"})
        ended = api.ended(job)
    finally:
        mail.to_recipients.clear()
    assert ended["state"] == "failed"
    assert [task["state"] for task in ended["tasks"]] == ["succeeded", "failed", "succeeded"]
    assert "550" in ended["tasks"][1]["error"]["message"]
    api.client.post(f"/v1/jobs/{job['id']}/retry").raise_for_status()
    api.succeeded(job)
    assert sorted(mail.recipients for mail in mail.mails[before:]) == [("ada@example.com",), ("maria@example.com",)]
