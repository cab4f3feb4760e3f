"""The function `bureau.submit` in databases is made anew by a migration when its text changes."""

from hashlib import sha256

from bureau.ledger.db.migrate import known_revisions
from bureau.ledger.submissions.in_sql.function import functions

WRITTEN = ("0020", "61ad5a0ad0bec4b5")


def test_a_changed_text_comes_with_a_migration_that_makes_it_anew() -> None:
    """If this fails: add a migration whose upgrade calls `in_sql.grants.refresh(op.get_bind())`, and note both here."""
    revision, digest = WRITTEN
    assert revision in known_revisions()
    assert sha256("".join(functions("public")).encode()).hexdigest()[:16] == digest
