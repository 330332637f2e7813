"""The Open Inference Protocol, V2: what clients of Triton and KServe speak."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

import zoo
from zoo.serve.label_type import label_type
from zoo.serve.refusal import refusal_of
from zoo.serve.served import Served
from zoo.serve.web.routes.documents import SAID, errors_of
from zoo.serve.web.routes.encodings import known_encoding
from zoo.serve.web.routes.health import status_of
from zoo.serve.web.service import service_of

router = APIRouter(prefix="/v2")

#: The one version of a model.
VERSION = "1"
_LENGTH = "inference-header-content-length"
_GZIP = re.compile(r"(^|[\s,])gzip\s*($|[,;])(?!\s*q=0(\.0*)?\s*($|,))")


class V2Error(BaseModel):
    """An error of the protocol."""

    error: str
    log_id: str = Field(alias="logId", description="UUID of the request.")


class ServerMetadata(BaseModel):
    """What the server is."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(BaseModel):
    """A tensor."""

    name: str
    datatype: str
    shape: list[int] = Field(description="-1 for any size.")


class ModelMetadata(BaseModel):
    """What a model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    parameters: dict[str, Any] = Field(description="What else it takes, and the names of its classes.")


_INFER = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["inputs"],
                    "properties": {
                        "id": {"type": "string"},
                        "parameters": {"type": "object"},
                        "inputs": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": 1,
                            "items": {
                                "type": "object",
                                "required": ["name", "shape", "datatype"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "shape": {
                                        "type": "array",
                                        "minItems": 1,
                                        "maxItems": 4,
                                        "items": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
                                    },
                                    "datatype": {"enum": ["BYTES", "UINT8"]},
                                    "parameters": {"type": "object"},
                                    "data": {"type": "array", "items": {}},
                                },
                            },
                        },
                        "outputs": {"type": "array", "maxItems": 1, "items": {"type": "object"}},
                    },
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
_NOT_READY: dict[int | str, dict[str, Any]] = {503: {"description": SAID[503]}}


@router.get("", summary="What the server is", responses=errors_of(V2Error, 401))
async def server_metadata(request: Request) -> ServerMetadata:
    """Tells name, version and extensions."""
    return ServerMetadata(name="zoo", version=zoo.__version__, extensions=["binary_tensor_data"])


@router.get("/health/live", summary="Whether the server lives", response_class=Response)
async def v2_live(request: Request) -> Response:
    """Answers as long as the server lives."""
    return Response()


@router.get("/health/ready", summary="Whether the server takes requests", response_class=Response, responses=_NOT_READY)
async def v2_ready(request: Request) -> Response:
    """Answers 503 where it does not."""
    return Response(status_code=200 if status_of(service_of(request)) == "ready" else 503)


@router.get("/models/{name}", summary="What a model takes and gives", responses=errors_of(V2Error, 401, 404))
@router.get(
    "/models/{name}/versions/{version}",
    summary="What a model takes and gives",
    responses=errors_of(V2Error, 401, 404),
)
async def model_metadata(request: Request, name: str, version: str = VERSION) -> ModelMetadata:
    """Tells the tensors of a model."""
    served = _model(request, name, version)
    return ModelMetadata(
        name=name,
        versions=[VERSION],
        platform="zoo",
        inputs=[TensorMetadata(name="image", datatype="BYTES", shape=[1])],
        outputs=[TensorMetadata(name="mask", datatype=label_type(served.labels), shape=[-1, -1])],
        parameters={
            "also": "UINT8 of shape [height, width, 3], RGB, in place of the picture file",
            "classes": list(served.labels.names),
            "ignore_index": served.labels.ignore_index,
        },
    )


_MODEL_READY: dict[int | str, dict[str, Any]] = {**errors_of(V2Error, 401, 404), **_NOT_READY}


@router.get(
    "/models/{name}/ready",
    summary="Whether a model takes requests",
    response_class=Response,
    responses=_MODEL_READY,
)
@router.get(
    "/models/{name}/versions/{version}/ready",
    summary="Whether a model takes requests",
    response_class=Response,
    responses=_MODEL_READY,
)
async def model_ready(request: Request, name: str, version: str = VERSION) -> Response:
    """Answers 503 where the server is not ready, and 404 where there is no such model."""
    _model(request, name, version)
    return Response(status_code=200 if status_of(service_of(request)) == "ready" else 503)


_ERRORS = errors_of(V2Error, 400, 401, 403, 404, 408, 413, 415, 422, 500, 503, 504)


@router.post(
    "/models/{name}/infer",
    summary="Segment a picture",
    response_class=Response,
    responses={200: {"content": {"application/json": {}, "application/octet-stream": {}}}, **_ERRORS},
    openapi_extra=_INFER,
)
@router.post(
    "/models/{name}/versions/{version}/infer",
    summary="Segment a picture",
    response_class=Response,
    responses={200: {"content": {"application/json": {}, "application/octet-stream": {}}}, **_ERRORS},
    openapi_extra=_INFER,
)
async def infer_tensor(request: Request, name: str, version: str = VERSION) -> Response:
    """Segments the picture in the one input: BYTES, a picture file, or UINT8 of shape [height, width, 3]."""
    served = _model(request, name, version)
    length = request.headers.get(_LENGTH)
    if length is not None and not re.fullmatch(r"\d{1,12}", length):
        raise refusal_of(400, "Inference-Header-Content-Length is no number.", "Send the bytes of the JSON.")
    return await service_of(request).answer(
        request,
        "protocol",
        served.name,
        encoding=known_encoding(request),
        json_bytes=None if length is None else int(length),
        zipped=_GZIP.search(request.headers.get("accept-encoding", "")[:300].lower()) is not None,
    )


def _model(request: Request, name: str, version: str) -> Served:
    if version != VERSION:
        raise refusal_of(
            404,
            "There is no version {version!r:.80}. Expected was {known}.",
            "Leave it out.",
            version=version,
            known="1",
        )
    return service_of(request).model(name)
