"""Measures Bureau under attacks by few or small requests: the gateway's memory, and how long /healthz takes meanwhile.

    python -m tests.benchmarks.attacks             # the stack, then the embedded process
    python -m tests.benchmarks.attacks embedded    # only one of them
    python -m tests.benchmarks.attacks stack waits # only attacks with this word in their names

The bars of docs/security.md are 256 MB and one second. It exits with 1 where one of them is missed; on a machine that
does something else at the same time, repeat it before you believe a missed second.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.attacks.attack_list import OTHERS, STRANGER, SUBMITTER
from tests.benchmarks.attacks.sending import quiet
from tests.benchmarks.attacks.servers import SERVERS
from tests.benchmarks.attacks.watch import Watch

MEGABYTES_AT_MOST = 256
SECONDS_AT_MOST = 1.0
SETTLED_SECONDS = 1.0  # an attack may have effects after its last answer
ATTACKS = {"stack": {**STRANGER, **SUBMITTER, **OTHERS}, "embedded": {**STRANGER, **SUBMITTER}}


@dataclass(frozen=True)
class Measured:
    """What was seen during one attack. Megabytes are the largest of one process."""

    attack: str
    seen: Watch
    answers: str

    @property
    def good(self) -> bool:
        return self.seen.megabytes < MEGABYTES_AT_MOST and self.seen.health_seconds < SECONDS_AT_MOST

    def __str__(self) -> str:
        seen = self.seen
        figures = (
            f"{seen.megabytes:8.0f} {seen.health_seconds:8.2f} {seen.list_seconds:8.2f} {seen.worker_megabytes:8.0f}"
        )
        return f"{self.attack:42}{figures}  {self.answers}{'' if self.good else '  <- missed'}"


def measure(server: str, words: Sequence[str]) -> Iterator[Measured]:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, SERVERS[server](Path(folder)) as target:
        for name, attack in ATTACKS[server].items():
            if words and not any(word in name for word in words):
                continue
            with Watch(target.port, target.gateway, target.workers) as watch:
                answers = attack(target)
                time.sleep(SETTLED_SECONDS)
            yield Measured(name, watch, answers)
            quiet(target)


def main(arguments: Sequence[str]) -> int:
    words = [word for word in arguments if word not in SERVERS]
    good = True
    for server in [word for word in arguments if word in SERVERS] or SERVERS:
        print(f"\n{server:42}{'MB':>8} {'healthz':>8} {'jobs':>8} {'workers':>8}  answers")
        for one in measure(server, words):
            good = good and one.good
            print(one, flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
