"""A shop on FastAPI: one request submits the mail with an invoice, another shows how far it is.

`uvicorn --factory examples.fastapi_shop:create_app`, then
`curl -X POST 127.0.0.1:8000/orders/7/invoice?to=ada@example.com`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid5

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from bureau.client import AsyncBureau, Problem, Unreachable

SHOP = UUID("f7b6d1c2-58ab-4c58-8f0e-5a4b6a2d9c73")  # makes the ids of this shop's jobs differ from all others


def create_app(bureau: AsyncBureau | None = None) -> FastAPI:
    client = bureau or AsyncBureau()  # the requests of the process share it

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with client:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/orders/{order}/invoice", status_code=202)
    async def send_invoice(order: int, to: str) -> dict[str, Any]:
        """Submits the mail; a second request for the order finds the first one's job."""
        job = await client.email(to, f"Invoice {order}", f"Please pay your order {order}.", id=invoice_id(order))
        return {"state": job.state}

    @app.get("/orders/{order}/invoice")
    async def invoice_state(order: int) -> dict[str, Any]:
        job = await client.get(invoice_id(order))
        return {"state": job.state, "ended": job.ended, "error": job.error and job.error["message"]}

    @app.exception_handler(Problem)
    async def refused(_: Request, problem: Problem) -> JSONResponse:
        return JSONResponse({"detail": str(problem)}, problem.status)

    @app.exception_handler(Unreachable)
    async def unreachable(_request: Request, _error: Unreachable) -> JSONResponse:
        return JSONResponse({"detail": "Invoices cannot be sent at the moment."}, 503)

    return app


def invoice_id(order: int) -> str:
    """Returns the id of the order's job, which is the same in every process."""
    return str(uuid5(SHOP, f"invoice {order}"))
