"""`deliver: "recipients"`: everybody with an address is mailed their own certificate, each by a task of its own."""

import asyncio
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from pypdf import PdfReader

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.certificates import CertificatesIssued, IssueCertificates, TellIssueFailure
from bureau.contracts.errors import PermanentError
from bureau.contracts.mail.mail import SendMail
from bureau.ledger.reads.failures import Failure
from bureau.services.certificates import delivery
from bureau.services.certificates.api.client import CertificatesApi
from bureau.services.certificates.archive.check import check_archive
from bureau.services.certificates.issuer.links import CertificateLinks
from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.certificates.languages import usual_language
from bureau.services.certificates.manifest import Listed, Manifest
from bureau.services.certificates.service import certificates_api
from bureau.services.certificates.settings import CertificatesSettings
from bureau.services.certificates.tasks import issue_task, tell_task
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


def delivered(ctx: FakeContext, *listed: Listed) -> delivery.Delivered:
    """From an archive of another issuer."""
    request = IssueCertificates(files=[ArtifactRef(artifact=UUID(int=1))])
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        for one in listed:
            members.writestr(one.file, b"%PDF-1.7")
    checked = check_archive(archive, CertificatesSettings().limits, lambda _: None, lambda *_: None)
    return delivery.deliver(ctx, checked, Manifest(certificates=list(listed)), request)


def listed(name: str, email: str, **more: str) -> Listed:
    return Listed(file=f"{name}.pdf", recipient=name, email=email, **more)


def test_a_bad_address_of_another_issuer_is_reported_and_the_others_are_mailed(ctx: FakeContext) -> None:
    people = [listed("ada", "ada@example.com"), listed("bob", "bob..x@example.com"), listed("eve", "eve@example.com")]
    done = delivered(ctx, *people)
    assert done.mails == 2
    assert [spec.input["to"] for spec in ctx.added] == [["ada@example.com"], ["eve@example.com"]]
    (bad,) = done.not_mailed
    assert (bad.file, bad.recipient) == ("bob.pdf", "bob")
    assert "email “bob..x@example.com” is not an address" in bad.reason
    assert any("not mailed: bob: email" in line for line in ctx.logs)


def test_a_manifest_with_bad_addresses_only_is_refused_with_each_of_them(ctx: FakeContext) -> None:
    with pytest.raises(PermanentError) as caught:
        delivered(ctx, *(listed(name, f"{name}..x@example.com") for name in ("a", "b")))
    assert caught.value.code == "recipient_address_invalid"
    assert [(detail.file, detail.column) for detail in caught.value.details] == [("a.pdf", "email"), ("b.pdf", "email")]
    assert ctx.added == []


def test_a_language_of_another_issuer_that_is_no_tag_is_not_used(ctx: FakeContext) -> None:
    delivered(ctx, listed("ada", "ada@example.com", language="Español"))
    assert "language" not in ctx.added[0].input


@pytest.mark.parametrize(
    ("told", "asked", "language"),
    [(["es", "ca", "es"], None, "es"), (["es"], "fr", "fr"), (["Español", ""], None, None), ([], None, None)],
)
def test_the_owner_is_written_to_in_the_language_of_most_certificates(
    told: list[str], asked: str | None, language: str | None
) -> None:
    request = IssueCertificates(files=[ArtifactRef(artifact=UUID(int=1))], language=asked)
    manifest = Manifest(certificates=[listed("a", "", language=one) for one in told])
    assert usual_language(request, manifest) == language


def test_a_failure_is_told_with_its_errors(ctx: FakeContext) -> None:
    failure = Failure("issue", "roster_invalid", "Two rows are wrong.", [{"file": "a.csv", "line": 4, "message": "no"}])
    tell_task(lambda _: failure)(ctx, TellIssueFailure(title="Spring", to=["ada@example.com"], language="es"))
    (spec,) = ctx.added
    mail = SendMail.model_validate(spec.input)
    assert (mail.template, mail.language, mail.to) == ("job-failed", "es", ["ada@example.com"])
    assert mail.context["reason"] == "Two rows are wrong."
    assert mail.context["details"] == [{"file": "a.csv", "line": 4, "message": "no"}]


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
