"""`deliver: "recipients"`: everybody with an address is mailed their own certificate, each by a task of its own."""

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from pypdf import PdfReader

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.certificates import CertificatesIssued, IssueCertificates
from bureau.contracts.errors import PermanentError
from bureau.contracts.mail.mail import SendMail
from bureau.services.certificates import delivery
from bureau.services.certificates.api.client import CertificatesApi
from bureau.services.certificates.archive.check import CheckedArchive
from bureau.services.certificates.issuer.links import CertificateLinks
from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.certificates.manifest import Listed, Manifest
from bureau.services.certificates.service import certificates_api
from bureau.services.certificates.settings import CertificatesSettings
from bureau.services.certificates.tasks import issue_task
from tests.support.context import FakeContext
from tests.support.on_loop import run

ROSTER = (
    "recipient,email,course,language\n"
    "Ada Lovelace,ada@example.com,Engines,\n"
    "Grace Hopper,,Compilers,\n"
    "Núria Güell,nuria@example.com,Motors,ca\n"
)


@pytest.fixture
def ctx(tmp_path: Path) -> FakeContext:
    return FakeContext(tmp_path / "storage")


@pytest.fixture
def api() -> Iterator[CertificatesApi]:
    links = CertificateLinks(lambda: "A" * 43, "https://bureau.example.com")
    made = certificates_api(CertificatesSettings(), IssuerSettings(issuer_organisation="Academy"), links)
    yield made
    asyncio.run(made.close())


def deliver(
    ctx: FakeContext, api: CertificatesApi, roster: str, subject: str | None = None
) -> tuple[CertificatesIssued, list[str]]:
    """The result, and the serials that were noted in the book."""
    noted: list[str] = []
    task = issue_task(api, CertificatesSettings().limits, lambda _owner, _job, serials: noted.extend(serials))
    file = ctx.add_file("r.csv", "text/csv", roster.encode())
    request = IssueCertificates(files=[file], deliver="recipients", subject=subject)
    return run(ctx.stop, task(ctx, request)), noted


def test_everybody_with_an_address_is_mailed_their_own(ctx: FakeContext, api: CertificatesApi) -> None:
    result, serials = deliver(ctx, api, ROSTER)
    assert (result.certificates, result.mails) == (3, 2)
    assert len(serials) == 3
    assert [spec.name for spec in ctx.added] == [f"send-{serials[0]}", f"send-{serials[2]}"]
    for spec, recipient, language in zip(ctx.added, ("Ada Lovelace", "Núria Güell"), ("en", "ca"), strict=True):
        mail = SendMail.model_validate(spec.input)
        assert (spec.run, mail.template, mail.language) == ("mailer.send", "your-certificate", language)
        assert mail.context["recipient"] == recipient
        assert mail.context["link"].startswith("https://bureau.example.com/c/")
        (attached,) = mail.attachments
        text = PdfReader(io.BytesIO(ctx.read(attached))).pages[0].extract_text()
        assert recipient in text
        assert mail.context["serial"] in text
    assert "2 mails are queued; 1 person has no address" in ctx.logs


def test_one_s_subject_stands_in_place_of_the_template_s(ctx: FakeContext, api: CertificatesApi) -> None:
    deliver(ctx, api, ROSTER, subject="Well done")
    assert {spec.input["subject"] for spec in ctx.added} == {"Well done"}


def test_a_roster_without_addresses_is_no_roster_of_recipients(ctx: FakeContext, api: CertificatesApi) -> None:
    with pytest.raises(PermanentError, match="Add a column email to the roster") as caught:
        deliver(ctx, api, "recipient\nAda\n")
    assert caught.value.code == "no_recipients"
    assert not ctx.removed


def test_addresses_that_cannot_be_mailed_to_are_told_together_and_nobody_is_mailed(
    ctx: FakeContext, api: CertificatesApi
) -> None:
    with pytest.raises(PermanentError) as caught:
        deliver(ctx, api, "recipient,email\nAda,a..b@example.com\nGrace,grace@example.com\nEmmy,e..n@example.com\n")
    assert [(detail.file, detail.line, detail.column) for detail in caught.value.details] == [
        ("r.csv", 2, "email"),
        ("r.csv", 4, "email"),
    ]
    assert "API" not in caught.value.message
    assert ctx.added == []


def test_a_manifest_of_another_issuer_with_bad_addresses_is_refused_with_each_of_them(ctx: FakeContext) -> None:
    listed = [Listed(file=f"{name}.pdf", recipient=name, email=f"{name}..x@example.com") for name in ("a", "b")]
    with pytest.raises(PermanentError) as caught:
        delivery.deliver(
            ctx,
            CheckedArchive(io.BytesIO(), [], 0),
            Manifest(certificates=listed),
            IssueCertificates(files=[ArtifactRef(artifact=UUID(int=1))]),
        )
    assert caught.value.code == "recipient_address_invalid"
    assert [(detail.file, detail.column) for detail in caught.value.details] == [("a.pdf", "email"), ("b.pdf", "email")]
    assert ctx.added == []


def test_spanish_headers_give_spanish_mail(ctx: FakeContext, api: CertificatesApi) -> None:
    deliver(ctx, api, "Nombre;Apellidos;Correo\nAda;Lovelace;ada@example.com\n")
    (spec,) = ctx.added
    assert (spec.input["language"], spec.input["context"]["recipient"]) == ("es", "Ada Lovelace")


def test_the_request_s_language_and_encoding_reach_the_issuer(ctx: FakeContext, api: CertificatesApi) -> None:
    file = ctx.add_file("r.csv", "text/csv", "name;email\nIonuţ;i@example.com\n".encode("cp1250"))
    request = IssueCertificates(files=[file], deliver="recipients", encoding="cp1250", language="fr")
    run(ctx.stop, issue_task(api, CertificatesSettings().limits, lambda *_: None)(ctx, request))
    (spec,) = ctx.added
    assert (spec.input["language"], spec.input["context"]["recipient"]) == ("fr", "Ionuţ")


def test_a_subject_may_come_with_recipients_alone(ctx: FakeContext) -> None:
    given = IssueCertificates(files=[ArtifactRef(artifact=UUID(int=1))], deliver="recipients", subject="x")
    assert given.model_dump(mode="json", exclude_defaults=True)["deliver"] == "recipients"
