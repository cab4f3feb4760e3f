"""`gunicorn services.certificates.issuer.wsgi:app`: the issuer as a service of its own."""

from bureau.observability import logs
from bureau.settings import LogSettings, SettingsError, load
from services.certificates.issuer.app import create_app
from services.certificates.issuer.links import links_of
from services.certificates.issuer.settings import IssuerSettings

try:
    settings, logging = load(IssuerSettings, LogSettings)
    links = links_of(settings)
except SettingsError as error:
    error.exit()
logs.configure(logging)

app = create_app(settings, links)
