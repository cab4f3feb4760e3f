"""The certificates service's composition root."""

from bureau.service import Resources, Service
from bureau.settings import load
from services.certificates.api.client import CertificatesApi
from services.certificates.api.in_process import InProcessTransport
from services.certificates.api.interruptible import InterruptibleTransport
from services.certificates.issuer.app import create_app
from services.certificates.issuer.settings import IssuerSettings
from services.certificates.settings import BUILT_IN, CertificatesSettings
from services.certificates.tasks import issue_task

IDLE_SECONDS = 30.0  # a kept connection is given up before most servers do so


def certificates_service(resources: Resources) -> Service:  # noqa: ARG001  # reaches files through the task's context
    """Raises `SettingsError` for a wrong environment."""
    settings, issuer = load(CertificatesSettings, IssuerSettings)
    api = certificates_api(settings, issuer)
    return Service("certificates", tasks=[issue_task(api, settings.limits)], close=api.close)


def certificates_api(settings: CertificatesSettings, issuer: IssuerSettings) -> CertificatesApi:
    """The API that is set; the built-in issuer is one inside this process."""
    url = settings.certificates_api.get_secret_value()
    timeouts = {
        "timeout_seconds": settings.certificates_timeout_seconds,
        "connect_seconds": settings.certificates_connect_timeout_seconds,
    }
    if url == BUILT_IN:
        return CertificatesApi("http://issuer.internal/", lambda: InProcessTransport(create_app(issuer)), **timeouts)
    return CertificatesApi(url, lambda: InterruptibleTransport(idle_seconds=IDLE_SECONDS), **timeouts)
