"""Runs the scheduler: `python -m bureau.services.scheduler`, or its report: `… doctor`."""

import sys

from bureau.process.gc_pause import collector_paused

with collector_paused():
    from prometheus_client import REGISTRY

    from bureau.boot import wait_for_ledger
    from bureau.ledger.db.database import Database
    from bureau.messaging.broker import make_broker
    from bureau.messaging.relay import Relay
    from bureau.metrics import outcomes
    from bureau.metrics.survey import LedgerCollector
    from bureau.observability import logs
    from bureau.observability.startup import log_started
    from bureau.process import malloc
    from bureau.process.stop_signals import StopSignals
    from bureau.runtime.health import HealthChecks
    from bureau.runtime.storage_check import SharedStorage
    from bureau.services.scheduler.doctor import ACTIONS, doctor
    from bureau.services.scheduler.schedule_file import ScheduleFile
    from bureau.services.scheduler.scheduler import DUE_SECONDS, Scheduler
    from bureau.services.scheduler.settings import SchedulerSettings
    from bureau.settings import PlatformSettings, SettingsError, load
    from bureau.storage import Storage


def main(arguments: list[str]) -> int:
    """Runs the command and returns its exit status."""
    try:
        settings, own = load(PlatformSettings, SchedulerSettings)
        if arguments[:1] != ["doctor"]:  # which reads the ledger beside the embedded process too
            settings.refuse_memory_broker("the scheduler")
        schedules = own.schedules()
    except SettingsError as error:
        error.exit()
    match arguments:
        case []:
            return run(settings, own, schedules)
        case ["doctor", *actions] if set(actions) <= ACTIONS:
            return doctor(settings, set(actions))
        case _:
            print(
                f"usage: python -m bureau.services.scheduler [doctor [{'] ['.join(sorted(ACTIONS))}]]", file=sys.stderr
            )
            return 2


def run(settings: PlatformSettings, own: SchedulerSettings, schedules: ScheduleFile | None) -> int:
    """Runs the scheduler until a signal stops it; a second signal ends the process at once."""
    logs.configure(settings)
    malloc.limit_arenas()
    stop_signals = StopSignals()
    db = Database(settings.database_url.get_secret_value(), job_ended=outcomes.job_ended)
    if not wait_for_ledger(db, stop_signals.received):
        return 0
    storage = Storage.from_url(settings.storage_url.get_secret_value())
    shared = SharedStorage(db, storage)
    try:
        shared.check()
    except SettingsError as error:
        error.exit()
    broker = make_broker(settings.broker_url.get_secret_value(), [])
    relay = Relay(db, broker, look_seconds=DUE_SECONDS)
    scheduler = Scheduler(db, storage, broker, relay, own.keep, schedules=schedules, quota=own.quota, limits=own.limits)
    survey = LedgerCollector(db)
    REGISTRY.register(survey)
    health = HealthChecks({"scheduler": scheduler.unhealthy_reason}, settings.health_bind)
    scheduler.start()
    shared.start()
    health.start()
    log_started("scheduler", settings)
    stop_signals.wait()
    health.stop()
    survey.close()
    shared.stop()
    scheduler.stop()
    db.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
