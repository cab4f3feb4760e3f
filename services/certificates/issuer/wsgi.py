"""`gunicorn services.certificates.issuer.wsgi:app`: the issuer as a service of its own."""

from bureau.settings import SettingsError, load
from services.certificates.issuer.app import create_app
from services.certificates.issuer.settings import IssuerSettings

try:
    (settings,) = load(IssuerSettings)
except SettingsError as error:
    error.exit()

app = create_app(settings)
