"""The JSON of requests and answers, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

#: Media type of an error outside of the documented route and the protocol.
PROBLEM = "application/problem+json"
PICTURE_TYPES = ("image/png", "image/jpeg", "image/webp", "image/tiff", "image/bmp", "application/octet-stream")


class DocumentedRequest(BaseModel):
    """A picture for the documented route."""

    image: str = Field(
        min_length=1, description="The content of a picture file in base64; or its address, where the server allows."
    )
    visualize: bool = Field(True, description="Whether `result.image` is wanted.")
    format: str = Field("list", description="Form of `labelMap`: list, png or rle.", pattern="^(list|png|rle)$")
    scores: bool = Field(False, description="Adds `classes`, with the mean score of each.")


class DocumentedResult(BaseModel):
    """What was found."""

    label_map: Any = Field(
        alias="labelMap",
        description="Class of each pixel, row after row; a PNG in base64; or runs: values and lengths.",
    )
    size: list[int] = Field(description="Height and width.")
    image: str | None = Field(description="The coloured result, a JPEG in base64.")


class DocumentedAnswer(BaseModel):
    """An answer of the documented route."""

    log_id: str = Field(alias="logId", description="UUID of the request.")
    error_code: int = Field(0, alias="errorCode", description="0.")
    error_msg: str = Field("Success", alias="errorMsg", description="Success.")
    result: DocumentedResult


class DocumentedError(BaseModel):
    """An error of the documented route."""

    log_id: str = Field(alias="logId", description="UUID of the request.")
    error_code: int = Field(alias="errorCode", description="The HTTP status.")
    error_msg: str = Field(alias="errorMsg", description="A sentence, and what helps.")


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    hint: str = Field(description="What helps.")
    error: str = Field(description="Class of the error.")
    template: str = Field(description="The detail without its values.")
    values: dict[str, Any] = Field(description="Values of detail and hint.")
    log_id: str = Field(alias="logId", description="UUID of the request.")


class ModelInfo(BaseModel):
    """A model of the server."""

    name: str
    origin: str = Field(description="Whose it is: the distribution that brings it; empty for a folder.")
    classes: list[str] = Field(description="Names in the order of their values.")
    palette: list[str] = Field(description="Colours in the same order, #rrggbb.")
    ignore_index: int = Field(description="Value of pixels without a class.")
    default: bool = Field(description="Whether it is the one that is meant where none is named.")
    workers: int = Field(description="How many workers hold it now.")
    device: str = Field(description="Where it runs; empty while no worker holds it, like the next two.")
    engine: str
    precision: str
    memory: int = Field(description="Bytes by which a worker grew when it opened it.")


class ModelList(BaseModel):
    """The models of the server."""

    models: list[ModelInfo]


def body_of(*media_types: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Returns what the OpenAPI document says of a body that a route reads itself."""
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in media_types}}}


def errors_of(model: type[BaseModel], *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns the errors of a route for the OpenAPI document, which has to be given the schema of the model."""
    media_type = PROBLEM if model is Problem else "application/json"
    content = {media_type: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
    return {status: {"description": SAID[status], "content": content} for status in statuses}


#: What the statuses of errors mean.
SAID = {
    400: "The body is not what it should be.",
    401: "No right key.",
    403: "Sent by a page of another site.",
    404: "No such model.",
    405: "Another method.",
    406: "No such form of an answer.",
    408: "The body came too slowly.",
    413: "Too large.",
    415: "Not a picture, or a compressed body.",
    422: "JSON of another form, or a picture that cannot be read.",
    500: "A fault of the server; its log has more.",
    503: "Busy, or not ready; see Retry-After.",
    504: "The picture took too long.",
}
