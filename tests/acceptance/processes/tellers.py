"""A task that tells every secret it finds, as a careless library would."""

import logging
import os
import threading

import structlog

from bureau import Context, task
from bureau.contracts.errors import TransientError


@task("tellers.tell")
def tell(ctx: Context, header: str) -> str:
    """Fails the first time with all it knows, having logged it; the second time it only logs."""
    told = f"{header} {[os.environ[name] for name in ('BROKER_URL', 'DATABASE_URL', 'SENDGRID_API_KEY')]}"
    logging.getLogger("pika.adapters").critical("refused with %s", told)
    structlog.get_logger("library").warning("trying again", told=told, headers={"Authorization": header})
    thread = threading.Thread(target=_fail, args=(told,))
    thread.start()
    thread.join()
    if ctx.attempt == 1:
        raise TransientError("careless", told) from ConnectionError(told)
    if ctx.attempt == 2:
        raise RuntimeError(told)
    return "told"


def _fail(told: str) -> None:
    raise ConnectionError(told)
