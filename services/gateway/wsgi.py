"""Is the WSGI entry point of the gateway's process; importing it connects to nothing.

Usage: `gunicorn -c python:bureau.services.gateway.gunicorn_conf bureau.services.gateway.wsgi:app`.
"""

from bureau.process.gc_pause import collector_paused

with collector_paused():
    from bureau.observability import logs
    from bureau.process import malloc
    from bureau.services.gateway.process import GatewayProcess
    from bureau.services.gateway.settings import GatewaySettings
    from bureau.settings import PlatformSettings, SettingsError, load

try:
    _platform, _settings = load(PlatformSettings, GatewaySettings)
    _platform.refuse_memory_broker("a gateway")
except SettingsError as error:
    error.exit()
logs.configure(_platform)
malloc.limit_arenas()

process = GatewayProcess(_platform, _settings)
app = process.app
