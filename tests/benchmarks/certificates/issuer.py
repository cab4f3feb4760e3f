"""Measures the built-in issuer on a roster of 2,000 rows: certificates a second per core, memory, time to stop."""

import io
import resource
import sys
import threading
import time
from pathlib import Path

from bureau.services.certificates.issuer.app import CHECKPOINT, create_app
from bureau.services.certificates.issuer.links import CertificateLinks
from bureau.services.certificates.issuer.settings import IssuerSettings

ROWS = 2_000
BAR_A_SECOND, BAR_STOP_SECONDS, BAR_GROWTH_MB = 40.0, 2.0, 25.0
SETTLED = 200  # certificates until fonts and caches are in memory


class Enough(BaseException):
    """Says that the work was asked to stop."""


def main() -> int:
    roster = "recipient,email,course,date,hours,grade\n" + "".join(
        f"Ada Lovelace {n},ada{n}@example.com,Welding for Analysts and Engineers {n},2026-10-30,24,Excellent\n"
        for n in range(ROWS)
    )
    holds = [issued(design, roster) for design in ("classic", "modern", "minimal")]
    stopped = stop_seconds(roster)
    print(f"{'stopped within':<10}{stopped:>12.2f} s (bar {BAR_STOP_SECONDS:g} s)")
    held = all(holds) and stopped <= BAR_STOP_SECONDS
    print("holds" if held else "does not hold")
    return 0 if held else 1


def issued(design: str, roster: str) -> bool:
    reports: list[int] = []
    settled = 0.0

    def checkpoint(done: int, total: int) -> None:
        nonlocal settled
        reports.append(done)
        if done == SETTLED:
            settled = resident_megabytes()

    before = used_seconds()
    size = post(design, roster, checkpoint)
    seconds = used_seconds() - before
    rate, growth = ROWS / seconds, resident_megabytes() - settled
    print(
        f"{design:<10}{rate:>8.1f} certificates a second of a core (bar {BAR_A_SECOND:g}), {size / 1e6:.0f} MB, "
        f"memory {settled:.0f} MB and {growth:+.0f} MB (bar {BAR_GROWTH_MB:g}), {len(set(reports)):,} reports",
        flush=True,
    )
    return rate >= BAR_A_SECOND and growth <= BAR_GROWTH_MB and set(reports) == set(range(ROWS + 1))


def stop_seconds(roster: str) -> float:
    asked = threading.Event()
    at = 0.0

    def ask() -> None:
        nonlocal at
        at = time.monotonic()
        asked.set()

    def checkpoint(done: int, total: int) -> None:
        if done == SETTLED:
            threading.Thread(target=ask).start()
        if asked.is_set():
            raise Enough

    try:
        post("classic", roster, checkpoint)
    except Enough:
        return time.monotonic() - at
    raise AssertionError("it did not stop")


def post(design: str, roster: str, checkpoint: object) -> int:
    app = create_app(
        IssuerSettings(issuer_design=design), CertificateLinks(lambda: "A" * 43, "https://bureau.example.com")
    )
    data = {"files": (io.BytesIO(roster.encode()), "r.csv")}
    size = 0
    with app.test_client() as client:
        answer = client.post("/", data=data, environ_overrides={CHECKPOINT: checkpoint}, buffered=False)
        assert answer.status_code == 200, answer.data
        for piece in answer.iter_encoded():
            size += len(piece)
        answer.close()
    return size


def used_seconds() -> float:
    """Of the processor, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    sys.exit(main())
