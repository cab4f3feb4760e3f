"""Opens PostgreSQL connections with their session settings, also where a pooler gives no session.

A pooler in transaction mode, such as PgBouncer, gives each transaction another session of the server. It refuses the
startup parameter `options` or drops it, so settings have to come with each transaction. A statement that was prepared
in one session is not there in the next one, unless the pooler tracks it (PgBouncer from 1.21 on, with
`max_prepared_statements`).
"""

from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import Connection, Dialect, Engine, event, text

from bureau.secrets.redaction import scrub_cut

# A pooler that does not pass `options` on says so (PgBouncer's words), or this setting is missing afterwards.
_REFUSED = "unsupported startup parameter"
_MARK = "bureau.session"

log = structlog.get_logger(__name__)


class Sessions:
    """Opens the connections of one engine.

    `in_transaction` is sent in each transaction if there is a pooler: what protects others from this process.
    `per_session` is sent at the start of a session, and only there: what makes statements faster.
    """

    def __init__(
        self, in_transaction: Mapping[str, str], per_session: Mapping[str, str], prepared: bool | None
    ) -> None:
        """`prepared` says whether statements are prepared on the server; None: unless there is a pooler."""
        self._in_transaction = dict(in_transaction)
        self._options = " ".join(
            f"-c {name}={value}" for name, value in {**in_transaction, **per_session, _MARK: "on"}.items()
        )
        self._prepared = prepared
        self._set = text("SELECT " + ", ".join(f"set_config('{name}', :{name}, true)" for name in in_transaction))
        self.pooled = False  # known after the first connection

    def listen(self, engine: Engine) -> None:
        event.listen(engine, "do_connect", self._connect)
        event.listen(engine, "begin", self._begin)

    def _connect(self, dialect: Dialect, _record: Any, arguments: tuple[Any, ...], given: dict[str, Any]) -> Any:
        connect = dialect.loaded_dbapi.connect
        if self._prepared is False:
            given["prepare_threshold"] = None
        if not self.pooled:
            try:
                connection = connect(*arguments, **given, options=self._options)
            except dialect.loaded_dbapi.OperationalError as error:
                if _REFUSED not in str(error):
                    raise
            else:
                if _has_mark(connection):
                    return connection
                connection.close()
            self._found_pooler(given)
        if self._prepared is None:
            given["prepare_threshold"] = None
        return connect(*arguments, **given)

    def _found_pooler(self, given: Mapping[str, Any]) -> None:
        self.pooled = True
        log.info(
            "a pooler is in front of the ledger's database: settings are sent in each transaction",
            host=scrub_cut(str(given.get("host", "")), 200),
            prepared_statements=bool(self._prepared),
        )

    def _begin(self, connection: Connection) -> None:
        if self.pooled and connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.execute(self._set, self._in_transaction)


def _has_mark(connection: Any) -> bool:
    connection.autocommit = True
    mark = connection.execute(f"SELECT current_setting('{_MARK}', true)").fetchone()[0]
    connection.autocommit = False
    return bool(mark)
