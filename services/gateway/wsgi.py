"""`gunicorn -c services/gateway/gunicorn_conf.py services.gateway.wsgi:app`: the gateway's process.

Importing it connects to nothing.
"""

from bureau.observability import logs
from bureau.settings import PlatformSettings, SettingsError, load
from services.gateway.process import GatewayProcess
from services.gateway.settings import GatewaySettings

try:
    _platform, _settings = load(PlatformSettings, GatewaySettings)
    _platform.refuse_memory_broker("a gateway")
except SettingsError as error:
    error.exit()
logs.configure(_platform)

process = GatewayProcess(_platform, _settings)
app = process.app
