"""A hand-over in a thread of its own, as a worker makes it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from bureau.contracts.errors import Stopped
from bureau.services.mailer.message.message import Message
from bureau.services.mailer.transports.base import (
    AnswerLost,
    DeliveryWindow,
    SendResult,
    Transport,
    TransportUnavailable,
)
from bureau.stop_token import StopToken

Ended = SendResult | TransportUnavailable | AnswerLost | Stopped


@dataclass
class Running:
    """`stop` is its token; `end()` what it came to."""

    transport: Transport
    message: Message
    recipients: Sequence[str]
    window: DeliveryWindow
    stop: StopToken = field(default_factory=StopToken)

    def __post_init__(self) -> None:
        self._ended: list[Ended] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self, seconds: float = 5.0) -> Ended:
        self._thread.join(seconds)
        assert self._ended, f"the hand-over did not end within {seconds:g} s"
        return self._ended[0]

    def _run(self) -> None:
        try:
            self._ended.append(self.transport.send(self.message, self.recipients, self.window, self.stop))
        except (TransportUnavailable, AnswerLost, Stopped) as error:
            self._ended.append(error)
