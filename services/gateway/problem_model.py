"""Defines a problem as it is answered (RFC 9457), for the OpenAPI document."""

from pydantic import BaseModel, Field

from bureau.services.gateway.local_address import LocalAddress

PROBLEM_TYPE = "application/problem+json"


class FieldErrorModel(BaseModel):
    """Is one error: in the body at `pointer`, or in a `parameter` or `header`."""

    pointer: str | None = Field(default=None, examples=["#/to/0"])
    parameter: str | None = None
    header: str | None = None
    code: str
    detail: str


class ProblemDocument(BaseModel):
    """Describes what was wrong with a request, all errors at once."""

    type: LocalAddress = Field(
        description="The address of a page that explains the problem; it never changes.", examples=["/problems/invalid"]
    )
    title: str
    status: int
    detail: str
    errors: list[FieldErrorModel] = Field(default=[])
