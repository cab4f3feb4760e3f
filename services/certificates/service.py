"""The certificates service's composition root."""

from collections.abc import Callable
from functools import partial

import httpx

from bureau.ledger.access.certificates import note_issued
from bureau.service import Resources, Service
from bureau.services.certificates.api.client import CertificatesApi
from bureau.services.certificates.api.in_process import InProcessTransport
from bureau.services.certificates.api.interruptible import InterruptibleTransport
from bureau.services.certificates.issuer.app import create_app
from bureau.services.certificates.issuer.links import Links, links_of
from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.certificates.settings import BUILT_IN, CertificatesSettings
from bureau.services.certificates.tasks import issue_task
from bureau.settings import load

IDLE_SECONDS = 30.0  # a kept connection is given up before most servers do so


def certificates_service(resources: Resources, links: Links | None = None) -> Service:
    """`links` are the built-in issuer's where its settings name no key. Raises `SettingsError`."""
    settings, issuer = load(CertificatesSettings, IssuerSettings)
    api = certificates_api(settings, issuer, links)
    book = partial(note_issued, resources.database)
    return Service("certificates", tasks=[issue_task(api, settings.limits, book)], trouble=api.trouble, close=api.close)


def certificates_api(
    settings: CertificatesSettings, issuer: IssuerSettings, links: Links | None = None
) -> CertificatesApi:
    """The API that is set; the built-in issuer is one inside this process."""
    url = settings.certificates_api.get_secret_value()
    transport: Callable[[], httpx.BaseTransport]
    if url == BUILT_IN:
        url = "http://issuer.internal/"
        app = create_app(issuer, links or links_of(issuer))
        transport = partial(InProcessTransport, app)
    else:
        transport = partial(InterruptibleTransport, idle_seconds=IDLE_SECONDS)
    return CertificatesApi(
        url,
        transport,
        timeout_seconds=settings.certificates_timeout_seconds,
        connect_seconds=settings.certificates_connect_timeout_seconds,
        headers=settings.headers,
    )
