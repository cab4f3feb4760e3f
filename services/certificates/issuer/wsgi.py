"""Runs the issuer as a separate service: `gunicorn bureau.services.certificates.issuer.wsgi:app`."""

from bureau.process.gc_pause import collector_paused

with collector_paused():
    from bureau.observability import logs
    from bureau.services.certificates.issuer.app import create_app
    from bureau.services.certificates.issuer.links import links_of
    from bureau.services.certificates.issuer.settings import IssuerSettings
    from bureau.settings import LogSettings, SettingsError, load

try:
    settings, logging = load(IssuerSettings, LogSettings)
    links = links_of(settings)
except SettingsError as error:
    error.exit()
logs.configure(logging)

app = create_app(settings, links)
