"""Tests the record that a process logs when it starts."""

import pytest

from bureau.observability.startup import address


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://bureau:pa/ss@db.example.com:5433/ledger", "postgresql://db.example.com:5433/ledger"),
        ("postgresql+psycopg://bureau:secret@[::1]/ledger?sslmode=require", "postgresql://[::1]/ledger"),
        ("sqlite:///var/bureau.db", "sqlite:///var/bureau.db"),
        ("amqp://u:p@one/v;amqp://u:p@two:5673/v", "amqp://one/v;amqp://two:5673/v"),
        ("postgres://u:a?b@c;d@db/ledger", "postgres://db/ledger"),
        ("amqps://u:p%40@mq/%2F", "amqps://mq/%2F"),
        ("file://var/storage", "file://var/storage"),
        ("s3://bucket/prefix?endpoint=https://key:secret@s3&region=x", "s3://bucket/prefix"),
    ],
)
def test_an_address_is_shown_without_credentials_and_options(url: str, shown: str) -> None:
    assert address(url) == shown
