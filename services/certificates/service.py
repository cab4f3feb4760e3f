"""Composes the certificates service from its settings; it is the composition root of the service."""

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any

from bureau.ledger.access.certificates import note_issued
from bureau.ledger.reads.failures import first_failure
from bureau.lifespans import Lifespan
from bureau.service import Resources, Service
from bureau.services.certificates.api.client import CertificatesApi
from bureau.services.certificates.issuer.links import CertificateLinks, links_of
from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.certificates.settings import BUILT_IN, CertificatesSettings
from bureau.services.certificates.tasks import issue_task, tell_task
from bureau.settings import load
from bureau.task import Task

if TYPE_CHECKING:
    import httpx

IDLE_SECONDS = 30.0  # a kept connection is closed before most servers close it


def certificates_service(resources: Resources, links: CertificateLinks | None = None) -> Service:
    """Makes the service. `links` are the built-in issuer's if its settings name no key. Raises `SettingsError`."""
    settings, issuer = load(CertificatesSettings, IssuerSettings)
    api = certificates_api(settings, issuer, links)
    book = partial(note_issued, resources.database)
    failure_of = partial(first_failure, resources.database)
    tasks: list[Task[Any, Any]] = [issue_task(api, settings.limits, book), tell_task(failure_of)]
    return Service("certificates", tasks, trouble=api.trouble, lifespans=[Lifespan(partial(_closing, api))])


async def _closing(api: CertificatesApi) -> AsyncIterator[None]:
    """Closes the API's client, which belongs to the event loop, after the last task."""
    yield
    await api.close()


def certificates_api(
    settings: CertificatesSettings, issuer: IssuerSettings, links: CertificateLinks | None = None
) -> CertificatesApi:
    """Returns the configured API; the built-in issuer is one inside this process."""
    url = settings.certificates_api.get_secret_value()
    built_in = url == BUILT_IN
    return CertificatesApi(
        "http://issuer.internal/" if built_in else url,
        partial(_issuer, issuer, links or links_of(issuer)) if built_in else _network,
        timeout_seconds=settings.certificates_timeout_seconds,
        connect_seconds=settings.certificates_connect_timeout_seconds,
        headers=settings.headers,
        built_in=built_in,
    )


# Both are called for the first certificate and import what they need then: Flask, Typst, httpx and aiohttp are a
# quarter of a worker's start, and a worker uses one of the two.
def _issuer(settings: IssuerSettings, links: CertificateLinks | None) -> "httpx.AsyncBaseTransport":
    from bureau.services.certificates.api.in_process import InProcessTransport
    from bureau.services.certificates.issuer.app import create_app

    return InProcessTransport(create_app(settings, links))


def _network() -> "httpx.AsyncBaseTransport":
    from bureau.services.certificates.api.network import NetworkTransport

    return NetworkTransport(idle_seconds=IDLE_SECONDS)
