"""The PostgreSQL that the suite kills waits for the disk at each commit, as production's does."""

from tests.support.servers.postgres import PostgreSQL, connect


def test_the_database_syncs_its_commits(postgres: PostgreSQL) -> None:
    with connect(postgres.url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
