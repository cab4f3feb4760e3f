"""The workers' database role changes what its claims need: a forged end, or a deletion, is refused by PostgreSQL."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from bureau.announcing.catalogs import NotAllowed, announce, take_back
from bureau.contracts.jobs.states import When
from bureau.ledger.db.database import Database
from bureau.ledger.db.worker_role.rules import rules
from bureau.ledger.dispatch import workers
from bureau.ledger.dispatch.deployed import deployed
from bureau.ledger.dispatch.hints import reserve_due, unreserve
from bureau.ledger.jobs.claim import Claim, claim, seal
from bureau.ledger.jobs.finish import FinishResult
from bureau.ledger.jobs.leases import renew
from bureau.ledger.jobs.outcome import Cancelled, Released, Succeeded
from bureau.service import Service
from tests.contract.ledger.dispatch.test_workers import a_worker
from tests.support.ledger.book import Book, add_upload, again, failed, optional, stored, task
from tests.support.ledger.soundness import assert_sound
from tests.support.running.worker_role import drop_worker_role, worker_role
from tests.support.servers.postgres import drop_database, fresh_database


@dataclass(frozen=True)
class Roles:
    """One ledger, as its owner and as workers reach it."""

    owner: Book
    worker: Book


@pytest.fixture(scope="module")
def roles(postgres_server: str) -> Iterator[Roles]:
    url = fresh_database(postgres_server)
    worker_url = worker_role(url)
    owner, worker = Database(url), Database(worker_url)
    yield Roles(Book(owner), Book(worker))
    assert_sound(owner)
    owner.close()
    worker.close()
    drop_worker_role(url, worker_url)
    drop_database(postgres_server, url)


@pytest.fixture
def running(roles: Roles) -> Claim:
    """A claim of an honest worker's."""
    return roles.worker.take(roles.owner.submit())


def forged(roles: Roles, statement: str, **values: object) -> None:
    """Executes the statement as a worker, which must be refused."""
    with (
        pytest.raises(ProgrammingError, match="InsufficientPrivilege"),
        roles.worker.db.transaction() as connection,
    ):
        connection.execute(text(statement), values)


def test_a_worker_announces_nothing_for_good_and_withdraws_nothing(roles: Roles) -> None:
    with pytest.raises(NotAllowed, match="the role that owns the ledger's tables"):
        announce(roles.worker.db, [Service("shop", [])])
    with pytest.raises(NotAllowed, match="the role that owns the ledger's tables"):
        take_back(roles.worker.db, ["shop"])
    assert deployed(roles.owner.db) == {}


def test_a_claim_is_renewed_and_ended_in_every_way(roles: Roles) -> None:
    by = roles.worker
    for ending in (Succeeded({"a": 1}), failed(), Cancelled()):
        claimed = by.take(roles.owner.submit())
        held = {(claimed.task_id, claimed.claim_no)}
        assert renew(by.db, list(held)) == held
        assert by.finish(claimed, ending).fate is FinishResult.DONE
    job = roles.owner.submit()
    by.finish(by.take(job), again())
    by.finish(by.take(job), Released())
    assert by.run(job).fate is FinishResult.DONE
    assert roles.owner.job(job).state == "succeeded"


def test_dependents_become_ready_and_are_skipped(roles: Roles) -> None:
    by = roles.worker
    job = roles.owner.submit(
        task("a"), optional("b"), task("c", "a b", when=When.ENDED), optional("d", "b"), optional("e", "d")
    )
    by.run(job, "b", failed())
    by.run(job, "a")
    by.run(job, "c")
    assert roles.owner.states(job) == {
        "a": "succeeded",
        "b": "failed",
        "c": "succeeded",
        "d": "skipped",
        "e": "skipped",
    }
    assert roles.owner.job(job).state == "succeeded"


def test_hints_are_stamped_and_taken_back(roles: Roles) -> None:
    roles.owner.submit(task(queue="apart"))
    batch = reserve_due(roles.worker.db, "apart", 5)
    assert len(batch.hints) == 1
    unreserve(roles.worker.db, batch.hints)
    assert len(reserve_due(roles.worker.db, "apart", 5).hints) == 1


def test_the_end_of_a_claim_removes_the_files_of_its_job(roles: Roles) -> None:
    upload = stored()
    add_upload(roles.owner.db, upload)
    job = roles.owner.submit(uses=(upload.id,))
    roles.worker.run(job, ending=Succeeded(None, removed=[upload.id]))
    with roles.owner.db.read() as connection:
        removed = connection.execute(text("SELECT removed_at FROM artifacts WHERE id = :id"), {"id": upload.id})
        assert removed.scalar_one() is not None


def test_a_worker_registers_again_and_forgets_those_of_yesterday(roles: Roles) -> None:
    old, new = a_worker("of yesterday"), a_worker("of today")
    workers.register(roles.worker.db, old)
    with roles.owner.db.transaction() as connection:
        connection.execute(text("UPDATE workers SET seen_at = now() - interval '25 h' WHERE id = 'of yesterday'"))
    workers.register(roles.worker.db, new)
    workers.register(roles.worker.db, new)
    assert [row.id for row in workers.workers(roles.owner.db)] == ["of today"]


def test_a_claim_of_an_older_version_is_ended_without_a_token(roles: Roles, running: Claim) -> None:
    roles.owner.set(running.task_id, claim_seal=None)
    assert roles.worker.finish(replace(running, token=uuid4())).fate is FinishResult.DONE


def test_the_token_is_nowhere_after_the_end(roles: Roles, running: Claim) -> None:
    assert str(running.token) not in repr(running)
    assert roles.owner.task(running.job_id).claim_seal == seal(running.token)
    roles.worker.finish(running)
    assert roles.owner.task(running.job_id).claim_seal is None


def test_another_process_ends_no_claim_whatever_it_reads_of_it(roles: Roles, running: Claim) -> None:
    for token in (uuid4(), seal(running.token)):
        with pytest.raises(ProgrammingError, match="without its claim"):
            roles.worker.finish(replace(running, token=token), Succeeded("forged"))
    assert roles.owner.states(running.job_id) == {"only": "running"}
    assert roles.worker.finish(running, Succeeded("mine")).fate is FinishResult.DONE
    assert roles.owner.task(running.job_id).result == "mine"


CHANGE = "UPDATE tasks SET {} WHERE id = :id"
RUNNING = {
    "a result while it runs": "result = '1'",
    "another claim's number": "claim_no = claim_no + 1",
    "a seal of one's own": "claim_seal = gen_random_uuid()",
    "a lease that has ended": "lease_until = now() - interval '1 s'",
    "a lease that ends soon": "lease_until = now() + interval '1 s'",
    "a lease for ever": "lease_until = now() + interval '1 day'",
    "an end without a token": "state = 'succeeded', result = '1', claim_seal = NULL",
    "an end with the old seal": "state = 'failed'",
    "a state that no claim has": "state = 'skipped', claim_seal = NULL",
}


@pytest.mark.parametrize("change", RUNNING.values(), ids=RUNNING)
def test_a_running_task_of_another_is_left_alone(roles: Roles, running: Claim, change: str) -> None:
    forged(roles, CHANGE.format(change), id=running.task_id)


NOT_RUNNING = {
    "ready": ["state = 'succeeded'", "state = 'cancelled'", "result = '1'", "due_at = now() + interval '1 day'"],
    "waiting": ["state = 'ready'", "state = 'running'", "upstream_open = 5", "state = 'failed'", "result = '1'"],
    "succeeded": ["result = '2'", "state = 'ready'", "hints = 0", "state = 'failed'"],
}


@pytest.mark.parametrize("state", NOT_RUNNING)
def test_a_task_that_nobody_runs_is_left_alone(roles: Roles, state: str) -> None:
    job = roles.owner.submit(task("first"), task("ready"), task("waiting", "ready"))
    roles.worker.run(job, "first")
    name = "first" if state == "succeeded" else state
    for change in NOT_RUNNING[state]:
        forged(roles, CHANGE.format(change), id=roles.owner.task(job, name).id)


def test_a_job_ends_with_its_last_task_and_stays_ended(roles: Roles) -> None:
    job = roles.owner.submit()
    end = "UPDATE jobs SET state = :state, open_tasks = 0, finished_at = now() WHERE id = :id"
    forged(roles, end, state="succeeded", id=job)
    forged(roles, "UPDATE jobs SET event_seq = event_seq - 1 WHERE id = :id", id=job)
    roles.worker.run(job)
    for state in ("open", "failed"):
        forged(roles, end, state=state, id=job)


def test_files_of_others_are_not_removed(roles: Roles, running: Claim) -> None:
    upload, made = stored(), stored(job_id=running.job_id)
    add_upload(roles.owner.db, upload)
    add_upload(roles.owner.db, made)
    for file in (upload, made):
        forged(roles, "UPDATE artifacts SET removed_at = now() WHERE id = :id", id=file.id)


def test_a_live_worker_is_not_forgotten(roles: Roles) -> None:
    workers.register(roles.worker.db, a_worker("alive"))
    forged(roles, "DELETE FROM workers")


def test_an_ended_delivery_stays_as_it_is(roles: Roles, running: Claim) -> None:
    insert = (
        "INSERT INTO deliveries (task_id, n, message_id, transport, state, recipients, opened_at) "
        "VALUES (:id, 1, 'm', 'smtp', :state, '[]', now())"
    )
    with roles.owner.db.transaction() as connection:
        connection.execute(text(insert), {"id": running.task_id, "state": "sent"})
    forged(roles, "UPDATE deliveries SET state = 'unknown' WHERE task_id = :id", id=running.task_id)


def test_the_rules_are_made_again_without_harm_and_for_any_name(roles: Roles) -> None:
    with roles.owner.db.transaction() as connection:
        for statement in (*rules('"it\'s; a"', "'it''s; a'"), *rules('"it\'s; a"', "'it''s; a'")):
            connection.execute(text(statement))


def test_claims_of_one_transaction_share_a_token_and_others_do_not(roles: Roles) -> None:
    first, second = (roles.worker.take(roles.owner.submit()) for _ in range(2))
    assert first.token != second.token
    assert claim(roles.worker.db, first.task_id, queue="shop", worker="w") is None
