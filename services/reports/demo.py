"""Creates a demo shop in SQLite for reports: `python -m bureau.services.reports.demo PATH [--rows N]`.

The rows are the same on every machine. The file appears only when it is complete; a complete one is left unchanged.
"""

import argparse
import os
import random
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import date, timedelta
from pathlib import Path

ROWS = 240_000  # orders
CUSTOMERS = 4_000
VERSION = 1  # increase it when the shop's tables or rows change, so that an older file is replaced
FIRST_DAY = date(2024, 1, 1)
DAYS = 731  # two years, one of them a leap year

REGIONS = ("north", "east", "south", "west")
STATUSES = ("paid", "paid", "paid", "paid", "paid", "paid", "paid", "open", "refunded")
COUNTRIES = ("DE", "FR", "GB", "PL", "SE", "ES", "IT", "GR", "JP", "BR")
FIRST_NAMES = ("Ada", "Björn", "Chloé", "Dmitri", "Eleni", "Fatima", "Grace", "Hiroshi", "Inês", "Łukasz", "Zoë")
LAST_NAMES = (
    "Ångström",
    "Brown",
    "Castro",
    "D'Arcy",
    "Eriksson",
    "Fernández",
    "Müller",
    "Novák",
    "Papadopoulou",
    "Sato",
)

# A spreadsheet would run the last three as formulas, although two are ordinary product names.
PRODUCTS = (
    ("Notebook, ruled", "paper", 450),
    ("Notebook, dotted", "paper", 475),
    ('Folder "Classic"', "paper", 320),
    ("Fountain pen", "pens", 3_900),
    ("Ballpoint pen", "pens", 180),
    ("Stamp; self-inking", "office", 1_650),
    ("Desk lamp", "office", 4_990),
    ("Paper clips\nbox of 100", "office", 210),
    ("日めくりカレンダー", "paper", 1_280),
    ("-20% voucher", "vouchers", 2_000),
    ("+1 year warranty", "vouchers", 1_200),
    ("=SUM(1,1)", "vouchers", 100),
)

SCHEMA = """
create table customers (
  id integer primary key, name text not null, email text not null, country text not null,
  region text not null, newsletter integer not null, joined_at text not null
);
create table products (
  id integer primary key, name text not null, category text not null, price_cents integer not null
);
create table orders (
  id integer primary key, customer_id integer not null references customers (id),
  product_id integer not null references products (id), ordered_on text not null,
  quantity integer not null, unit_cents integer not null, status text not null
);
create table shop (version integer not null, orders integer not null);
"""


class NotTheShop(Exception):
    """Says that the path has a file that this program did not create."""


def make_demo(path: Path, rows: int = ROWS) -> bool:
    """Creates the shop at `path` with `rows` orders; returns False if it exists already. Raises `NotTheShop`."""
    if is_made(path, rows):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        with closing(sqlite3.connect(name, isolation_level=None)) as connection:
            _fill(connection, rows)
        os.chmod(name, 0o644)  # mkstemp lets only the owner read it, but nothing in it is secret
        os.replace(name, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name)
    return True


def is_made(path: Path, rows: int = ROWS) -> bool:
    """Tells whether the file is a shop of this version with so many orders. Raises `NotTheShop`."""
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute("select version, orders from shop").fetchall() == [(VERSION, rows)]
    except sqlite3.Error as error:
        raise NotTheShop(f"{path} exists and is not the demo shop; remove it or name another path") from error


def _fill(connection: sqlite3.Connection, rows: int) -> None:
    # The file is renamed when it is complete, so a crash needs no journal to roll back.
    connection.executescript("pragma journal_mode = off; pragma synchronous = off;" + SCHEMA)
    rng = random.Random(20240101)  # noqa: S311 - the same shop on every machine
    connection.execute("begin")
    connection.executemany("insert into customers values (?, ?, ?, ?, ?, ?, ?)", _customers(rng))
    connection.executemany(
        "insert into products values (?, ?, ?, ?)", [(i, *product) for i, product in enumerate(PRODUCTS, start=1)]
    )
    connection.executemany("insert into orders values (?, ?, ?, ?, ?, ?, ?)", _orders(rng, rows))
    connection.execute("insert into shop values (?, ?)", (VERSION, rows))
    connection.execute("commit")
    connection.execute("create index orders_ordered_on on orders (ordered_on)")


def _customers(rng: random.Random) -> Iterator[tuple[object, ...]]:
    for number in range(1, CUSTOMERS + 1):
        name = f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"
        joined = FIRST_DAY - timedelta(days=rng.randrange(1, 1_000))
        yield (
            number,
            name,
            f"customer{number}@example.com",
            rng.choice(COUNTRIES),
            rng.choice(REGIONS),
            rng.randrange(2),
            f"{joined} {rng.randrange(24):02}:{rng.randrange(60):02}:00",
        )


def _orders(rng: random.Random, rows: int) -> Iterator[tuple[object, ...]]:
    """Yields `rows` orders, spread evenly over the shop's days, in order of their dates."""
    days = [str(FIRST_DAY + timedelta(days=day)) for day in range(DAYS)]
    draw = rng.random  # five times as fast as randrange
    for number in range(rows):
        product = int(draw() * len(PRODUCTS))
        yield (
            number + 1,
            int(draw() * CUSTOMERS) + 1,
            product + 1,
            days[number * DAYS // rows],
            int(draw() * 9) + 1,
            PRODUCTS[product][2],
            STATUSES[int(draw() * len(STATUSES))],
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bureau.services.reports.demo", description="Creates the demo shop."
    )
    parser.add_argument("path", type=Path, help="the SQLite file to create")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"number of orders (default {ROWS:,})")
    arguments = parser.parse_args()
    try:
        made = make_demo(arguments.path, arguments.rows)
    except (NotTheShop, OSError) as error:
        sys.exit(f"The demo shop cannot be created: {error}")
    print(f"{arguments.path}: {'created, ' if made else 'exists already, '}{arguments.rows:,} orders")


if __name__ == "__main__":
    main()
