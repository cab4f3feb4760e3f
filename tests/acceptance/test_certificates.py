"""Certificates from roster to people: each is mailed their own, and its link names them, for whoever follows it."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.embedded import EmbeddedBureau
from tests.support.mail_servers import mail_server

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


@pytest.mark.parametrize("env", [{}, {"ISSUER_SIGNING_KEY": "A" * 43}], ids=["a key it keeps", "a key it is given"])
def test_each_is_mailed_their_own_and_its_link_names_them(tmp_path: Path, env: dict[str, str]) -> None:
    with EmbeddedBureau(tmp_path / "bureau", env=env) as bureau:
        bureau.start()
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
        mails = "".join(path.read_text() for path in bureau.outbox.rglob("*.eml"))
        assert "To: maria@example.com" in mails
        assert "To: ada@example.com" in mails
        for person in people:
            page = bureau.api.client.get(urlsplit(person["link"]).path, headers={"Accept-Language": "en"})
            assert person["recipient"] in page.text
            assert "This certificate is valid" in page.text
        bureau.api.client.post(f"/v1/certificates/{people[0]['serial']}/revoke", json={}).raise_for_status()
        page = bureau.api.client.get(urlsplit(people[0]["link"]).path, headers={"Accept-Language": "en"})
        assert "This certificate was revoked" in page.text


def test_who_could_not_be_reached_is_told_on_the_job_and_written_to_again_alone(tmp_path: Path) -> None:
    with (
        mail_server(to_recipients={"maria@example.com": "550 no such user"}) as server,
        EmbeddedBureau(tmp_path / "bureau", env={"MAIL_URL": server.url}) as bureau,
    ):
        bureau.start()
        data = {"deliver": "recipients"}
        job = bureau.api.submit("/v1/certificates", files=[("files", ("r.csv", ROSTER, "text/csv"))], data=data)
        ended = bureau.api.ended(job)
        assert ended["state"] == "failed"
        assert [task["state"] for task in ended["tasks"]] == ["succeeded", "failed", "succeeded"]
        assert "550" in ended["tasks"][1]["error"]["message"]
        server.to_recipients.clear()
        bureau.api.client.post(f"/v1/jobs/{job['id']}/retry").raise_for_status()
        bureau.api.succeeded(job)
        assert sorted(mail.recipients for mail in server.mails) == [("ada@example.com",), ("maria@example.com",)]
