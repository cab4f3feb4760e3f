"""The shops on Flask and FastAPI of docs/client.md, in front of a running Bureau."""

import asyncio
from typing import Any

import httpx

from bureau.client import AsyncBureau, Bureau, Patience
from examples import fastapi_shop, flask_shop
from tests.acceptance.command.conftest import ENDS_SECONDS
from tests.support.running.embedded import EmbeddedBureau

NOWHERE = "http://127.0.0.1:1"
NO_PATIENCE = Patience(seconds=0)


def test_flask_submits_in_one_request_and_shows_the_state_in_another(client: Bureau) -> None:
    web = flask_shop.create_app(client).test_client()
    assert web.get("/orders/7/receipt").status_code == 404
    submitted = [web.post("/orders/7/receipt?to=ada@example.com") for _ in range(2)]
    assert [answer.status_code for answer in submitted] == [202, 202]
    client.get(flask_shop.receipt_id(7)).wait(ENDS_SECONDS)
    assert web.get(submitted[0].headers["Location"]).get_json() == {"state": "succeeded", "ended": True, "error": None}
    assert web.post("/orders/8/receipt?to=nobody").status_code == 422


def test_flask_answers_when_bureau_is_away() -> None:
    with Bureau(NOWHERE, patience=NO_PATIENCE) as away:
        assert flask_shop.create_app(away).test_client().get("/orders/7/receipt").status_code == 503


def shown_by_fastapi(bureau: AsyncBureau, *requests: tuple[str, str], order: int = 0) -> list[tuple[int, Any]]:
    """Returns the answers; before the last one it waits for the order's job, if an order is given."""

    async def ask() -> list[tuple[int, Any]]:
        app = fastapi_shop.create_app(bureau)
        shop = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test")
        answers = []
        async with app.router.lifespan_context(app), shop:
            for number, (method, path) in enumerate(requests, start=1):
                if order and number == len(requests):
                    await (await bureau.get(fastapi_shop.invoice_id(order))).wait(ENDS_SECONDS)
                answer = await shop.request(method, path)
                answers.append((answer.status_code, answer.json()))
        return answers

    return asyncio.run(ask())


def test_fastapi_submits_in_one_request_and_shows_the_state_in_another(plain: EmbeddedBureau) -> None:
    answers = shown_by_fastapi(
        AsyncBureau(plain.api.url),
        ("GET", "/orders/7/invoice"),
        ("POST", "/orders/8/invoice?to=nobody"),
        ("POST", "/orders/7/invoice?to=ada@example.com"),
        ("POST", "/orders/7/invoice?to=ada@example.com"),
        ("GET", "/orders/7/invoice"),
        order=7,
    )
    assert [status for status, _ in answers] == [404, 422, 202, 202, 200]
    assert answers[-1][1] == {"state": "succeeded", "ended": True, "error": None}


def test_fastapi_answers_when_bureau_is_away() -> None:
    away = AsyncBureau(NOWHERE, patience=NO_PATIENCE)
    assert [status for status, _ in shown_by_fastapi(away, ("GET", "/orders/7/invoice"))] == [503]
