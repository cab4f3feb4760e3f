"""The public page of a certificate, and its revocation: from the QR code on paper to what the ledger says."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pypdfium2
import pytest
import zxingcpp
from pydantic import SecretStr

from bureau.contracts.ids import new_id
from bureau.ledger.access.certificates import note_issued
from bureau.ledger.access.keys import Role
from bureau.ledger.access.shared_secrets import CERTIFICATES, kept_secret
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.services.certificates.issuer.app import create_app
from bureau.services.certificates.issuer.links import CertificateLinks
from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.gateway.settings import GatewaySettings
from bureau.signing.certificate_tokens import Claims, Signer
from tests.integration.gateway.conftest import Door
from tests.integration.gateway.keyed import Keyed, keyed_gateway

KEY = "A" * 43
PUBLIC_URL = "https://bureau.example.com"
ROSTER = "recipient,course,date\nAda Lovelace,Analytical Engines,2026-10-30\n"
SERIAL = "7K3M-Q2ZD-AAAA-BBBB"
CLAIMS = Claims(SERIAL, "Ada <Lovelace>", "Engines", "2026-10-30", "Bureau Academy", "en")
PATH = "/c/" + Signer(KEY).token(CLAIMS)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Keyed]:
    settings = GatewaySettings(
        public_url=PUBLIC_URL, certificates_public_keys=SecretStr(Signer(KEY).public_key), rate_limit_per_minute=0
    )
    with keyed_gateway(tmp_path, settings) as keyed:
        keyed.key()
        yield keyed


def page(gateway: Keyed, path: str = PATH, language: str = "en") -> httpx.Response:
    return gateway.door.client.get(path, headers={"Accept-Language": language})


def issued(roster: str, design: str) -> tuple[list[bytes], list[dict[str, str]]]:
    app = create_app(IssuerSettings(issuer_design=design), CertificateLinks(lambda: KEY, PUBLIC_URL))
    answer = app.test_client().post("/", data={"files": (io.BytesIO(roster.encode()), "r.csv")})
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        listed = json.loads(archive.read("manifest.json"))["certificates"]
        return [archive.read(one["file"]) for one in listed], listed


def scanned(pdf: bytes, dots_per_inch: int) -> str:
    """The QR code's text, from the page as an image."""
    document = pypdfium2.PdfDocument(pdf)
    bitmap = document[0].render(scale=dots_per_inch / 72, grayscale=True)
    image = memoryview(bitmap.buffer).cast("B").tobytes()
    rows = [image[row * bitmap.stride : row * bitmap.stride + bitmap.width] for row in range(bitmap.height)]
    plain = memoryview(b"".join(rows)).cast("B", (bitmap.height, bitmap.width))
    (code,) = zxingcpp.read_barcodes(plain)
    return str(code.text)


@pytest.mark.parametrize("design", ["classic", "modern", "minimal"])
def test_the_qr_code_of_a_rendered_page_opens_the_page_that_names_its_recipient(gateway: Keyed, design: str) -> None:
    (pdf, *_), (listed, *_) = issued(ROSTER, design)
    note_issued(gateway.door.db, "ada", new_id(), [listed["serial"]])
    link = scanned(pdf, 150)
    assert link == listed["link"]
    assert link.startswith(f"{PUBLIC_URL}/c/")
    answer = page(gateway, urlsplit(link).path)
    assert answer.status_code == 200
    for said in ("This certificate is valid", "Ada Lovelace", "Analytical Engines", "2026-10-30", listed["serial"]):
        assert said in answer.text


def test_the_page_asks_for_no_key_and_holds_what_the_token_says_as_text(gateway: Keyed) -> None:
    answer = page(gateway)
    assert answer.status_code == 200
    assert "Ada &lt;Lovelace&gt;" in answer.text
    assert "<script" not in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]


def test_a_certificate_of_no_book_is_genuine_and_the_page_says_what_it_could_not_check(gateway: Keyed) -> None:
    text = page(gateway).text
    assert "genuine; whether it was revoked is not known" in text
    assert "not in the register" in text


def test_with_the_ledger_away_the_signature_is_checked_all_the_same(
    gateway: Keyed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(self: Database) -> None:
        raise LedgerUnavailable("away")

    monkeypatch.setattr(Database, "read", away)
    monkeypatch.setattr(Database, "transaction", away)
    answer = page(gateway)
    assert answer.status_code == 200
    assert "Ada &lt;Lovelace&gt;" in answer.text
    assert "the register of certificates is unavailable" in answer.text
    assert page(gateway, PATH[:-4]).status_code == 503  # the ledger may hold the key that signed it


@pytest.mark.parametrize(
    "path", [PATH[:-1], PATH[:20], "/c/x", "/c/" + "A" * 2000, "/c/" + Signer("B" * 43).token(CLAIMS)]
)
def test_what_was_not_signed_here_is_said_to_be_none(gateway: Keyed, path: str) -> None:
    answer = page(gateway, path)
    assert answer.status_code == 404
    assert "This is not a certificate that was issued here" in answer.text
    assert "Lovelace" not in answer.text


@pytest.mark.parametrize(("language", "said"), [("es-MX", "auténtico"), ("ca", "autèntic"), ("fr", "authentique")])
def test_the_page_speaks_the_visitor_s_language(gateway: Keyed, language: str, said: str) -> None:
    answer = page(gateway, language=language)
    assert said in answer.text
    assert f'<html lang="{language[:2]}">' in answer.text


def test_the_key_that_the_ledger_keeps_is_believed_too(gateway: Keyed) -> None:
    token = Signer(kept_secret(gateway.door.db, CERTIFICATES)).token(CLAIMS)
    assert page(gateway, f"/c/{token}").status_code == 200


def test_a_revoked_certificate_says_so_with_the_reason(gateway: Keyed) -> None:
    note_issued(gateway.door.db, "ada", new_id(), [SERIAL])
    assert "This certificate is valid" in page(gateway).text
    body = {"reason": "Issued by <mistake>."}
    answer = gateway.ask("POST", f"/v1/certificates/{SERIAL}/revoke", "ada", Role.SUBMIT, json=body)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["serial"], answer.json()["reason"]) == (SERIAL, "Issued by <mistake>.")
    text = page(gateway).text
    assert "This certificate was revoked" in text
    assert "Issued by &lt;mistake&gt;." in text
    assert gateway.audited("act", "owner", "target", "count") == [("certificate.revoke", "ada", SERIAL, 1)]
    again = gateway.ask("POST", f"/v1/certificates/{SERIAL}/revoke", "ada", Role.SUBMIT, json={"reason": "Other."})
    assert again.json() == answer.json()
    assert len(gateway.audited("act")) == 1


def test_only_its_owner_and_operators_revoke_a_certificate(gateway: Keyed) -> None:
    note_issued(gateway.door.db, "ada", new_id(), [SERIAL])
    path = f"/v1/certificates/{SERIAL}/revoke"
    assert gateway.ask("POST", path, "ada", Role.VIEW, json={}).status_code == 403
    assert gateway.ask("POST", path, "bob", Role.SUBMIT, json={}).status_code == 404
    assert gateway.ask("POST", "/v1/certificates/none/revoke", "ada", json={}).status_code == 404
    assert "This certificate is valid" in page(gateway).text
    assert gateway.ask("POST", path, "bob", Role.OPERATE, json={}).status_code == 200
    assert gateway.audited("act", "owner") == [("certificate.revoke", "ada")]


def test_without_any_key_of_certificates_nothing_is_a_certificate(door: Door) -> None:
    assert door.get(PATH).status_code == 404
