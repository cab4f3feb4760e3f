"""Hot statements have connections of their own, on which PostgreSQL keeps its plans and finds rows by index."""

from collections.abc import Sequence

from bureau.contracts.ids import new_id
from bureau.ledger.db.database import Database
from bureau.ledger.jobs.claim import Claim, claim_batch
from bureau.ledger.jobs.finish import ClaimOutcome, finish_batch
from bureau.ledger.jobs.outcome import Succeeded
from bureau.ledger.jobs.submit import NewJob, NewTask
from bureau.ledger.mail.deliveries import Intent, MailDelivery, OpenIntent, open_batch
from bureau.ledger.submissions.batch import submit_batch
from bureau.ledger.submissions.submission import Submission
from tests.support.ledger.book import failed

ROUNDS = 12  # the driver prepares a statement the sixth time, and PostgreSQL decides about its plan the sixth time then


def _worked_on(db: Database, jobs: Sequence[NewJob]) -> None:
    """Submits, claims, opens and finishes a group of mails: the first ones, and those that take more statements."""
    submit_batch(db, [Submission(job) for job in jobs])
    with db.read() as connection:
        rows = connection.exec_driver_sql("SELECT id FROM tasks WHERE state = 'ready' AND queue = 'mailer'").all()
    claims = claim_batch(db, [(row.id, "mailer.send") for row in rows], queue="mailer", worker="w")
    held = [one for one in claims if isinstance(one, Claim)]
    assert len(held) == len(jobs)
    intents = [Intent(one.task_id, one.claim_no, "<m@x>", "file", ("ada@example.com",), "ann") for one in held]
    assert all(isinstance(one, MailDelivery) for one in open_batch(db, intents))
    assert all(isinstance(one, OpenIntent) for one in open_batch(db, intents))
    finish_batch(db, [ClaimOutcome(one, Succeeded({}) if n else failed()) for n, one in enumerate(held)])


def _worked_on_links(db: Database) -> None:
    """Ends the two first links of a chain."""
    links = [
        NewTask(name, "shop.work", "shop", {}, after=after) for name, after in (("a", ()), ("b", ("a",)), ("c", ("b",)))
    ]
    submit_batch(db, [Submission(NewJob(new_id(), "ann", "job", "Chain", tuple(links)))])
    for _ in range(2):
        with db.read() as connection:
            found = connection.exec_driver_sql("SELECT id FROM tasks WHERE state = 'ready' AND queue = 'shop'").all()
        claims = claim_batch(db, [(row.id, "shop.work") for row in found], queue="shop", worker="w")
        finish_batch(db, [ClaimOutcome(one, Succeeded({})) for one in claims if isinstance(one, Claim)])


def _mail() -> NewJob:
    return NewJob(new_id(), "ann", "email", "Hello", (NewTask("send", "mailer.send", "mailer", {"to": []}),))


def test_no_hot_statement_is_planned_anew_for_a_group(direct_db: Database) -> None:
    for _ in range(ROUNDS):
        _worked_on(direct_db, [_mail(), _mail()])
        _worked_on_links(direct_db)
    with direct_db.hot.read() as connection:
        found = connection.exec_driver_sql("SELECT custom_plans, generic_plans FROM pg_prepared_statements").all()
    assert found
    assert all(one.custom_plans == 0 and one.generic_plans > 0 for one in found)


def test_hot_statements_read_no_whole_table(direct_db: Database) -> None:
    for _ in range(ROUNDS):
        _worked_on(direct_db, [_mail(), _mail()])
        _worked_on_links(direct_db)
    with direct_db.hot.read() as connection:
        prepared = connection.exec_driver_sql(
            "SELECT name, cardinality(parameter_types) AS parameters FROM pg_prepared_statements"
            " WHERE statement NOT LIKE '%%pg_prepared_statements%%'"
        ).all()
        plans = [
            "\n".join(connection.exec_driver_sql(f'EXPLAIN EXECUTE "{name}"({", ".join(["NULL"] * count)})').scalars())
            for name, count in prepared
            if count
        ]
    assert len(plans) > ROUNDS / 2
    for plan in plans:
        assert "Seq Scan" not in plan
        # An index scan without a condition would read the whole of it.
        assert plan.count("Index Cond") == plan.count("Index Scan") + plan.count("Index Only Scan"), plan


def test_sqlite_has_one_writer_and_no_connections_apart(tmp_path: object) -> None:
    db = Database(f"sqlite:///{tmp_path}/ledger.db")
    assert db.hot is db
