"""Defines the faults. Each strikes a running Bureau, lasts, and is healed when it returns."""

import random
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from tests.support.faults.rounds import Fault, Missed, World, hold
from tests.support.servers.http_servers import ends_early, hangs, replies, resets
from tests.support.servers.mail_servers import Trouble
from tests.support.servers.proxies.proxy import Cut
from tests.support.waiting import until

WORKER_POINTS = (
    *("before_claim", "after_claim", "in_the_middle", "before_finish", "after_links", "after_finish"),
    "before_ack",
)
FIRES_WITHIN_SECONDS = 60.0


def together(*faults: Fault) -> Fault:
    """All at once; an error in one is raised when all have ended."""

    def strike(world: World) -> None:
        with ThreadPoolExecutor(len(faults)) as pool:
            for done in [pool.submit(fault, world) for fault in faults]:
                done.result()

    return strike


def in_turn(*faults: Fault) -> Fault:
    def strike(world: World) -> None:
        for fault in faults:
            fault(world)

    return strike


def killed_at(program: str, *points: str) -> Fault:
    """kill -9 at each of the points in turn, the next one when the process is back. A point not reached is missed."""

    def strike(world: World) -> None:
        for point in points:
            _fired(world, program, point)
            runs_again(world, program)

    return strike


def _fired(world: World, program: str, point: str) -> None:
    failpoints = world.bureau.failpoints
    failpoints.arm(program, point)
    try:
        until(lambda: not failpoints.armed(program, point), FIRES_WITHIN_SECONDS)
    except AssertionError:
        failpoints.disarm(program, point)
        raise Missed(f"{program} did not come to {point}") from None


def perhaps(fault: Fault) -> Fault:
    """Among other faults it may find nothing to strike."""

    def strike(world: World) -> None:
        with suppress(Missed):
            fault(world)

    return strike


def runs_again(world: World, program: str) -> None:
    """Until supervisor has it running; gunicorn starts its own children again."""
    until(lambda: world.bureau.info(program)["statename"] == "RUNNING", 30, f"{program} runs again")


def killed(program: str) -> Fault:
    """kill -9 for a program with all its processes, whatever they do."""

    def strike(world: World) -> None:
        world.bureau.kill(program)
        runs_again(world, program)

    return strike


def frozen(program: str, seconds: float) -> Fault:
    """SIGSTOP, and SIGCONT after so long."""

    def strike(world: World) -> None:
        world.bureau.signal(program, signal.SIGSTOP)
        hold(seconds)
        world.bureau.signal(program, signal.SIGCONT)

    return strike


def messages(mode: str, seconds: float, programs: Sequence[str]) -> Fault:
    """Published twice (`double`), or every tenth not at all (`drop 10`)."""

    def strike(world: World) -> None:
        for program in programs:
            world.bureau.failpoints.arm(program, "publish", mode)
        hold(seconds)
        for program in programs:
            world.bureau.failpoints.disarm(program, "publish")

    return strike


def rabbitmq_stopped(seconds: float) -> Fault:
    def strike(world: World) -> None:
        try:
            world.rabbitmq.stop()
            hold(seconds)
        finally:
            world.rabbitmq.start()

    return strike


def rabbitmq_killed(world: World) -> None:
    """Started again at once."""
    world.rabbitmq.kill()
    world.rabbitmq.start()


def rabbitmq_wiped(world: World) -> None:
    """A new empty node at the same address."""
    world.rabbitmq.wipe()


def connections_closed(times: int) -> Fault:
    """Every second, all of them, by force. One command that lasts: starting rabbitmqctl takes a second itself."""
    close = '[rabbit_networking:close_connection(P, "fault suite") || P <- rabbit_networking:connections()]'
    loop = f"lists:foreach(fun(_) -> {close}, timer:sleep(1000) end, lists:seq(1, {times}))."

    def strike(world: World) -> None:
        world.rabbitmq.ctl("eval", loop)

    return strike


def postgres_stopped(seconds: float) -> Fault:
    def strike(world: World) -> None:
        try:
            world.postgres.stop()
            hold(seconds)
        finally:
            world.postgres.start()

    return strike


def postgres_killed(world: World) -> None:
    """Started again at once; it recovers from its log."""
    world.postgres.kill()
    world.postgres.start()


def commits_cut(cut: Cut, seconds: float, every: int = 3) -> Fault:
    """Of the programs behind the proxy, every so manieth COMMIT loses its connection `before` or `after`."""

    def strike(world: World) -> None:
        assert world.proxy is not None
        world.proxy.every = every
        world.proxy.cut = cut
        hold(seconds)
        world.proxy.cut = None

    return strike


MAIL_TROUBLES: dict[str, dict[str, object]] = {
    "hangs at the greeting": {"greeting": Trouble.HANG, "to_sender": Trouble.DROP},  # open connections are used again
    "hangs at DATA": {"to_data": Trouble.HANG},
    "drops in DATA": {"in_data": Trouble.DROP},
    "answers 421": {"to_sender": "421 4.3.2 going down"},
    "answers 450": {"to_sender": "450 4.7.1 later"},
    "answers 451 to the mail": {"to_content": "451 4.3.0 try again"},
}


def mail_trouble(answers: dict[str, object], seconds: float) -> Fault:
    def strike(world: World) -> None:
        world.mail.trouble(**answers)
        hold(seconds)
        world.mail.recover()

    return strike


def mail_trouble_during(answers: dict[str, object], fault: Fault) -> Fault:
    """From before the other fault strikes until that is healed."""

    def strike(world: World) -> None:
        world.mail.trouble(**answers)
        fault(world)
        world.mail.recover()

    return strike


def mail_weather(seconds: float, seed: int) -> Fault:
    """Another trouble every second."""

    def strike(world: World) -> None:
        chosen = random.Random(seed)
        for _ in range(int(seconds)):
            world.mail.trouble(**chosen.choice(list(MAIL_TROUBLES.values())))
            hold(1.0)
        world.mail.recover()

    return strike


API_TROUBLES = {
    "answers 500": replies(500, b'{"error": "out of paper"}'),
    "answers 503 with Retry-After": replies(503, b"", Retry_After="3"),
    "hangs": hangs(),
    "resets": resets,
    "resets in mid-body": ends_early(b"PK\x03\x04 half", 100_000),
}


def api_trouble(name: str, seconds: float) -> Fault:
    def strike(world: World) -> None:
        world.api.behaviour = API_TROUBLES[name]
        hold(seconds)
        world.api.recover()

    return strike


def api_weather(seconds: float, seed: int) -> Fault:
    def strike(world: World) -> None:
        chosen = random.Random(seed)
        for _ in range(int(seconds)):
            world.api.behaviour = API_TROUBLES[chosen.choice(list(API_TROUBLES))]
            hold(1.0)
        world.api.recover()

    return strike
