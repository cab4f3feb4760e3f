"""Claims and finishes in groups: what they would be one by one, and none waits for what somebody has locked."""

from sqlalchemy import select

from bureau.contracts.ids import new_id
from bureau.ledger.db.database import Database
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.db.tables import jobs, tasks
from bureau.ledger.jobs.claim import Claim, NotClaimable, claim_batch
from bureau.ledger.jobs.finish import ClaimOutcome, Finished, FinishResult, finish_batch
from bureau.ledger.jobs.outcome import Outcome, Succeeded
from tests.support.ledger.book import Book, again, failed, stored, task

RUN = "shop.work"


def claimed(book: Book, count: int) -> list[Claim]:
    """Claims of jobs of one task, all had in one group."""
    wanted = [(book.task(book.submit()).id, RUN) for _ in range(count)]
    found = [one for one in claim_batch(book.db, wanted, queue="shop", worker="w") if isinstance(one, Claim)]
    assert [one.task_id for one in found] == [task_id for task_id, _ in wanted]
    return found


def test_a_task_named_twice_in_a_group_is_claimed_once(book: Book) -> None:
    task_id = book.task(book.submit()).id
    first, second = claim_batch(book.db, [(task_id, RUN), (task_id, RUN)], queue="shop", worker="w")
    assert isinstance(first, Claim)
    assert second is NotClaimable.GONE
    assert book.task(first.job_id).claim_no == 1


def test_a_group_claims_what_is_to_be_had_and_nothing_else(book: Book) -> None:
    ready, running, elsewhere = book.submit(), book.submit(), book.submit(task(queue="other"))
    book.take(running)
    ids = [book.task(job_id).id for job_id in (ready, running, elsewhere)]
    wanted = [(ids[0], "shop.forged"), (ids[1], RUN), (ids[2], RUN), (new_id(), RUN)]
    assert claim_batch(book.db, wanted, queue="shop", worker="w") == [NotClaimable.GONE] * 4
    (found,) = claim_batch(book.db, [(ids[0], RUN)], queue="shop", worker="w")
    assert isinstance(found, Claim)
    assert (found.task_id, found.job_id, found.owner, found.claim_no) == (ids[0], ready, "ada", 1)


def test_a_group_ends_each_claim_its_own_way(book: Book) -> None:
    first, second, third = claimed(book, 3)
    made = stored(job_id=first.job_id, task_name="only")
    endings: list[tuple[Claim, Outcome]] = [
        (first, Succeeded({"n": 1}, made=[made], progress={"current": 1})),
        (second, failed()),
        (third, again(60.0)),
    ]
    found = finish_batch(book.db, [ClaimOutcome(one, ending) for one, ending in endings])
    assert found == [
        Finished(FinishResult.DONE, woke=False),
        Finished(FinishResult.DONE, woke=False),
        Finished(FinishResult.DONE, woke=True),
    ]
    assert [book.task(one.job_id).state for one, _ in endings] == ["succeeded", "failed", "ready"]
    assert [book.job(one.job_id).state for one, _ in endings] == ["succeeded", "failed", "open"]
    assert (book.task(first.job_id).result, book.task(first.job_id).progress) == ({"n": 1}, {"current": 1})
    assert book.job(second.job_id).error["task"] == "only"
    told_again = [ClaimOutcome(first, Succeeded({"n": 1})), ClaimOutcome(third, Succeeded(None))]
    assert finish_batch(book.db, told_again) == [Finished(FinishResult.ALREADY), Finished(FinishResult.DISCARDED)]


def test_branches_of_one_job_that_end_in_one_group_fire_their_join_once(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"), task("join", "a b"))
    wanted = [(book.task(job_id, name).id, RUN) for name in ("a", "b")]
    branches = [one for one in claim_batch(book.db, wanted, queue="shop", worker="w") if isinstance(one, Claim)]
    found = finish_batch(book.db, [ClaimOutcome(one, Succeeded(one.name)) for one in branches])
    assert sorted(one.woke for one in found if isinstance(one, Finished)) == [False, True]
    assert book.states(job_id) == {"a": "succeeded", "b": "succeeded", "join": "ready"}
    assert [event.seq for event in book.events(job_id)] == list(range(1, 1 + len(book.events(job_id))))
    assert book.job(job_id).open_tasks == 1


def test_a_group_skips_locked_rows_and_finishes_the_rest(postgres_db: Database) -> None:
    book = Book(postgres_db)
    locked, free = book.task(book.submit()), book.task(book.submit())
    with postgres_db.transaction() as other:
        other.execute(select(tasks.c.id).where(tasks.c.id == locked.id).with_for_update())
        wanted = [(locked.id, RUN), (free.id, RUN)]
        found = claim_batch(postgres_db, wanted, queue="shop", worker="w")
    assert [one.task_id if isinstance(one, Claim) else one for one in found] == [Deferred.LOCKED, free.id]
    free_claims = [one for one in found if isinstance(one, Claim)]
    ends = [ClaimOutcome(one, Succeeded(None)) for one in (*claimed(book, 1), *free_claims)]
    with postgres_db.transaction() as other:
        other.execute(select(jobs.c.id).where(jobs.c.id == ends[0].claim.job_id).with_for_update())
        assert finish_batch(postgres_db, ends) == [Deferred.LOCKED, Finished(FinishResult.DONE)]


def test_a_group_does_not_wait_for_a_task_that_somebody_has_locked(postgres_db: Database) -> None:
    book = Book(postgres_db)
    ends = [ClaimOutcome(one, Succeeded(None)) for one in claimed(book, 2)]
    with postgres_db.transaction() as other:
        other.execute(select(tasks.c.id).where(tasks.c.id == ends[0].claim.task_id).with_for_update())
        assert finish_batch(postgres_db, ends) == [Deferred.LOCKED, Finished(FinishResult.DONE)]
    assert book.task(ends[0].claim.job_id).state == "running", "nothing was written of it"
    assert book.finish(ends[0].claim) == Finished(FinishResult.DONE)
