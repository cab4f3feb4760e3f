"""A shop on Flask: one request submits the mail with a receipt, another shows how far it is.

`flask --app examples.flask_shop run`, then `curl -X POST 127.0.0.1:5000/orders/7/receipt?to=ada@example.com`.
"""

from uuid import UUID, uuid5

from flask import Flask, request, url_for
from flask.typing import ResponseReturnValue

from bureau.client import Bureau, Problem, Unreachable

SHOP = UUID("6f0c1f0e-7a51-4e57-9d55-0a4f4f3f2b11")  # makes the ids of this shop's jobs differ from all others


def create_app(bureau: Bureau | None = None) -> Flask:
    app = Flask(__name__)
    client = bureau or Bureau()  # the threads of the process share it

    @app.post("/orders/<int:order>/receipt")
    def send_receipt(order: int) -> ResponseReturnValue:
        """Submits the mail; a second request for the order finds the first one's job."""
        job = client.email(
            request.args["to"], f"Receipt {order}", f"Thank you for your order {order}.", id=receipt_id(order)
        )
        return {"state": job.state}, 202, {"Location": url_for("receipt_state", order=order)}

    @app.get("/orders/<int:order>/receipt")
    def receipt_state(order: int) -> ResponseReturnValue:
        job = client.get(receipt_id(order))
        return {"state": job.state, "ended": job.ended, "error": job.error and job.error["message"]}

    @app.errorhandler(Problem)
    def refused(problem: Problem) -> ResponseReturnValue:
        return {"detail": str(problem)}, problem.status

    @app.errorhandler(Unreachable)
    def unreachable(_: Unreachable) -> ResponseReturnValue:
        return {"detail": "Receipts cannot be sent at the moment."}, 503

    return app


def receipt_id(order: int) -> str:
    """Returns the id of the order's job, which is the same in every process."""
    return str(uuid5(SHOP, f"receipt {order}"))
