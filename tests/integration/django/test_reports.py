"""Tests reports whose rows come from a queryset."""

from __future__ import annotations

import email
import email.policy
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import make_url

from bureau.client import Bureau
from tests.integration.django.conftest import Shop
from tests.support.waiting import until


@pytest.fixture
def orders(shop: Shop) -> Iterator[None]:
    from shop.models import Order

    Order.objects.bulk_create(
        Order(customer=name, total=total) for name, total in [("Ada", 5000), ("=1+1", "7500.5"), ("é", 1)]
    )
    yield
    Order.objects.filter(receipt="").delete()  # other tests' orders have one


@pytest.fixture
def postgres(shop: Shop, postgres_url: str) -> Iterator[Any]:
    """An alias of the project for a database on PostgreSQL, with the table of orders."""
    from django.db import connections
    from shop.models import Order

    url = make_url(postgres_url)
    own = {
        "NAME": url.database,
        "USER": url.username,
        "PASSWORD": url.password or "",
        "HOST": url.host or url.query["host"],
    }
    own |= {"PORT": str(url.port or url.query.get("port", ""))}
    connections.settings["pg"] = {
        **connections.settings["default"],
        **own,
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {},
    }
    with connections["pg"].schema_editor() as editor:
        editor.create_model(Order)
    yield Order
    connections["pg"].close()
    del connections.settings["pg"]
    del connections["pg"]


def test_a_report_of_a_queryset_is_a_file_of_its_job_and_a_mail(shop: Shop, orders: None) -> None:
    from shop.tasks import orders_report

    result = orders_report.enqueue(5000, email_to=["cfo@example.com"])
    with Bureau(shop.bureau.api.url) as client:
        job = client.get(result.id).wait(60)
        assert (
            job.artifact("orders-5000.csv").read().decode() == "customer,Total (€)\r\nAda,5000.00\r\n'=1+1,7500.50\r\n"
        )
        assert job.tasks[0]["progress"]["current"] == 2  # type: ignore[index]  # it reports at its end
    result.refresh()
    assert (result.status, result.return_value["rows"], result.return_value["params"]) == (
        "SUCCESSFUL",
        2,
        {"least": 5000},
    )

    def mails() -> list[Any]:
        found = [
            email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            for path in shop.bureau.outbox.glob("*.eml")
        ]
        return [mail for mail in found if mail["To"] == "cfo@example.com"]

    until(mails, 60, "the mail")
    (attached,) = mails()[0].iter_attachments()
    assert attached.get_filename() == "orders-5000.csv"


@pytest.mark.parametrize("rows", ["objects", "values", "annotated", "tuples"])
def test_names_and_values_are_django_s(shop: Shop, orders: None, rows: str) -> None:
    from django.db.models import Count, F
    from shop.models import Order

    from bureau.django.reports.reading import reading

    ordered = Order.objects.filter(receipt="").order_by("pk")
    queryset: Any = {
        "objects": ordered,
        "values": ordered.values("total", "customer"),
        "annotated": ordered.order_by().values(name=F("customer")).annotate(orders=Count("pk")).order_by("name"),
        "tuples": ordered.values_list("customer", "total"),
    }[rows]
    with reading(queryset) as found:
        read = [*found.fetch(2), *found.fetch(2), *found.fetch(2)]
    expected: Any = {
        "objects": ["id", "customer", "total", "receipt", "invoice", "job"],
        "values": ["total", "customer"],
        "annotated": ["name", "orders"],
        "tuples": ["customer", "total"],
    }[rows]
    assert found.columns == expected
    assert len(read) == 3
    if rows == "tuples":
        assert read[1] == ("=1+1", Decimal("7500.50"))
    if rows == "annotated":
        assert read[1] == ("Ada", 1)


def test_a_report_cannot_write_on_sqlite(shop: Shop, orders: None) -> None:
    from django.db import OperationalError
    from shop.models import Order

    from bureau.django.reports.reading import _connected, reading

    with (
        _connected("default") as connection,
        connection.cursor() as cursor,
        pytest.raises(OperationalError, match="readonly"),
    ):
        cursor.execute("delete from shop_order")
    with reading(Order.objects.filter(receipt="")) as found:
        assert len(found.fetch(10)) == 3
    assert Order.objects.create(customer="Eve", total=1).pk  # the project's own connection is as before


def test_rows_of_postgresql_come_as_a_stream_of_one_state_that_cannot_be_written(postgres: Any) -> None:
    from django.db import InternalError

    from bureau.django.reports.reading import _connected, reading

    postgres.objects.using("pg").bulk_create(postgres(customer=f"c{n}", total=n) for n in range(3000))
    with reading(postgres.objects.using("pg").order_by("pk").values_list("customer", "total")) as found:
        first = found.fetch(2)
        postgres.objects.using("pg").all().delete()
        rest = found.fetch(5000)
    assert (found.columns, first[1], len(rest)) == (["customer", "total"], ("c1", Decimal("1.00")), 2998)
    with (
        _connected("pg") as connection,
        connection.cursor() as cursor,
        pytest.raises(InternalError, match="read-only"),
    ):
        cursor.execute("insert into shop_order (customer) values ('x')")


def test_a_query_is_compiled_for_mysql_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server of MySQL runs here, and PyMySQL stands for the driver that Django imports."""
    import pymysql
    from django.db.models import Sum
    from shop.models import Order

    from bureau.django.reports.reading import columns_of

    monkeypatch.setattr(pymysql, "version_info", (2, 2, 7, "final", 0))
    monkeypatch.setitem(sys.modules, "MySQLdb", pymysql)
    for part in ("constants", "converters", "cursors"):
        monkeypatch.setitem(sys.modules, f"MySQLdb.{part}", getattr(pymysql, part))
    from django.db.backends.mysql.base import DatabaseWrapper

    wrapper = DatabaseWrapper({"NAME": "x", "OPTIONS": {}, "TIME_ZONE": None, "CONN_HEALTH_CHECKS": False}, "mysql")
    told = {"version": "8.4.0", "sql_mode": "", "default_storage_engine": "InnoDB", "lower_case_table_names": 0}
    vars(wrapper)["mysql_server_data"] = told  # what it would ask the server
    queryset = Order.objects.filter(total__gte=5).values("customer").annotate(paid=Sum("total"))
    sql, params = queryset.query.get_compiler(connection=wrapper).as_sql()
    assert columns_of(queryset.query) == ["customer", "paid"]
    assert sql.startswith("SELECT `shop_order`.`customer` AS `customer`, SUM(`shop_order`.`total`) AS `paid`")
    assert list(params) == [Decimal(5)]


def test_in_a_test_the_report_reads_the_test_s_transaction(shop: Shop) -> None:
    from django.db import transaction
    from shop.models import Order

    from bureau.django.reports.reading import reading

    with transaction.atomic():
        Order.objects.create(customer="only here", total=1)
        with reading(Order.objects.filter(customer="only here").values_list("customer")) as found:
            assert found.fetch(5) == [("only here",)]
        transaction.set_rollback(True)
