"""Serves /v1/mail/suppressions: addresses that get no mail from you."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from bureau.contracts.base import Contract
from bureau.contracts.mail.addresses import AddressInvalid, folded, parse_mailbox
from bureau.contracts.problems import FieldError
from bureau.ledger.access.keys import Role
from bureau.ledger.mail import suppressions
from bureau.ledger.mail.suppressions import Suppression as Kept
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Body, Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.http.pagination import PageQuery, cursor_of, cut, read_cursor
from bureau.services.gateway.problems import invalid, problem

PATH = "/v1/mail/suppressions"


class Suppression(BaseModel):
    """Describes an address that gets no mail."""

    address: str
    reason: str = Field(examples=["hard_bounce", "complaint", "unsubscribed", "manual"])
    detail: str | None
    created_at: datetime


class SuppressionList(BaseModel):
    """Lists a page of suppressions, sorted by address."""

    items: list[Suppression]
    next_cursor: str | None


class SuppressionQuery(PageQuery):
    """Selects suppressions."""

    address: str | None = Field(default=None, max_length=320, description="Only this address.")


class NewSuppression(Contract):
    """Names an address that shall get no mail."""

    address: str = Field(min_length=3, max_length=320)
    detail: str | None = Field(default=None, max_length=500, description="The reason, for people who read the list.")


class Which(Contract):
    """Names the address that shall get mail again."""

    address: str = Field(min_length=3, max_length=320)


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    return [_list(gateway), _add(gateway), _remove(gateway)]


def _list(gateway: Gateway) -> Operation[Any, Any]:
    def read(call: Call[Nothing, SuppressionQuery]) -> Reply:
        query = call.query
        after = read_cursor(query.cursor, _address) if query.cursor is not None else ""
        sought = _sought(query.address) if query.address is not None else None
        found = suppressions.listed(gateway.database, call.owner, address=sought, after=after, limit=query.limit + 1)
        shown, following = cut(found, query.limit, lambda one: cursor_of(one.address))
        return Reply(200, SuppressionList(items=[_shown(one) for one in shown], next_cursor=following))

    return Operation(
        name="list-suppressions",
        method="GET",
        path=PATH,
        view=read,
        summary="List the addresses that get no mail from you",
        tag="Mail",
        role=Role.VIEW,
        answers=[Documented(200, "A page.", SuppressionList)],
        query=SuppressionQuery,
    )


def _add(gateway: Gateway) -> Operation[Any, Any]:
    def add(call: Call[NewSuppression, Nothing]) -> Reply:
        address = _parsed(call.body.address)
        act = call.act("suppression.add", address)
        return Reply(201, _shown(suppressions.add(gateway.database, call.owner, address, call.body.detail, act)))

    return Operation(
        name="add-suppression",
        method="POST",
        path=PATH,
        view=add,
        summary="Send no more mail to an address",
        tag="Mail",
        role=Role.OPERATE,
        answers=[
            Documented(
                201, "The address is on the list; if it was there before, it keeps its first reason.", Suppression
            )
        ],
        body=Body(NewSuppression),
        replay=lambda call, _: add(call),
    )


def _remove(gateway: Gateway) -> Operation[Any, Any]:
    def remove(call: Call[Nothing, Which]) -> Reply:
        address = _sought(call.query.address)
        if not suppressions.remove(gateway.database, call.owner, address, call.act("suppression.remove", address)):
            raise problem("not-found", f"{address} is not on the list.")
        return Reply(204, None)

    return Operation(
        name="remove-suppression",
        method="DELETE",
        path=PATH,
        view=remove,
        summary="Allow mail to an address again",
        tag="Mail",
        role=Role.OPERATE,
        answers=[Documented(204, "The address was removed from the list.")],
        query=Which,
        problems=["not-found"],
    )


def _parsed(text: str) -> str:
    try:
        return folded(parse_mailbox(text).address)
    except AddressInvalid as error:
        raise invalid([FieldError("wrong_form", f"{text!r} is not an e-mail address: {error}.", "#/address")]) from None


def _sought(text: str) -> str:
    """Returns the address in the form that the list stores.

    An invalid address is allowed, because providers' events add addresses as they report them, including ones that we
    would refuse.
    """
    try:
        return folded(parse_mailbox(text).address)
    except AddressInvalid:
        return folded(text)


def _shown(one: Kept) -> Suppression:
    return Suppression(address=one.address, reason=one.reason, detail=one.detail, created_at=one.created_at)


def _address(key: list[Any]) -> str:
    (address,) = key
    if not isinstance(address, str):
        raise TypeError("not an address")
    return address
