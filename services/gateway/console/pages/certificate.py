"""GET /c/{token}: shows a scanned certificate. It needs no key and no script, and shows only the text of the paper."""

from typing import Any

from flask import Response, render_template, request

from bureau.ledger.access import certificates
from bureau.ledger.access.certificates import Issued
from bureau.ledger.db.database import LedgerUnavailable
from bureau.services.gateway.auth.certificates import CertificateKeys
from bureau.services.gateway.console.frame import HTML, TAG
from bureau.services.gateway.console.text.certificate_texts import PHRASES
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation
from bureau.signing.certificate_tokens import Claims, TokenInvalid

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    keys = CertificateKeys(gateway.settings, gateway.database)

    def certificate(call: Call[Nothing, Nothing]) -> Response:
        try:
            claims = keys.read(call.path["token"])
        except TokenInvalid:
            return _page(404, "unknown")
        except LedgerUnavailable:
            return _page(503, "away")
        try:
            issued = certificates.find(gateway.database, claims.serial)
        except LedgerUnavailable:
            return _page(200, "signed", claims, checked=False)
        return _page(200, _standing(issued), claims, issued)

    return [
        Operation(
            name="page-certificate",
            method="GET",
            path="/c/<token>",
            view=certificate,
            summary="The public page of one certificate",
            tag=TAG,
            role=None,
            needs_ledger=False,
            answers=[
                Documented(200, "The text of the certificate, and whether it was revoked.", media_types=HTML),
                Documented(404, "Not signed by a key that is known here.", media_types=HTML),
                Documented(503, "It cannot be checked now.", media_types=HTML),
            ],
            api=False,
        )
    ]


def _standing(issued: Issued | None) -> str:
    if issued is None:
        return "signed"  # signed by our key but without a row: issued elsewhere, or after the backup that was restored
    return "revoked" if issued.revoked_at else "valid"


def _page(
    status: int, standing: str, claims: Claims | None = None, issued: Issued | None = None, *, checked: bool = True
) -> Response:
    language = request.accept_languages.best_match(PHRASES) or (claims.language if claims else "en")
    language = language if language in PHRASES else "en"
    text = render_template(
        "certificate.html",
        words=PHRASES[language],
        language=language,
        standing=standing,
        claims=claims,
        issued=issued,
        checked=checked,
    )
    response = Response(text, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Vary"] = "Accept-Language"
    return response
