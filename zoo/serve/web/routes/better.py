"""zoo's own routes: a picture in, its label map in the form that was asked for out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from zoo.serve.exchange import Wish
from zoo.serve.served import Served
from zoo.serve.web.routes.documents import PICTURE_TYPES, ModelInfo, ModelList, Problem, errors_of
from zoo.serve.web.routes.encodings import accepted, refuse_encoding
from zoo.serve.web.service import Service, service_of

router = APIRouter(prefix="/v1")

_FORMS = {"image/png": "mask", "application/json": "json", "image/jpeg": "jpeg"}
_BINARY = {"type": "string", "format": "binary"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            **{kind: {"schema": _BINARY} for kind in PICTURE_TYPES},
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["image"], "properties": {"image": _BINARY}}
            },
        },
    }
}
_ERRORS = errors_of(Problem, 400, 401, 403, 404, 406, 408, 413, 415, 422, 500, 503, 504)


@router.post(
    "/predict",
    summary="Segment a picture",
    response_class=Response,
    responses={
        200: {
            "description": "The label map: a PNG with the palette, JSON with runs and areas, or an overlay.",
            "content": {kind: {} for kind in _FORMS},
            "headers": {"Server-Timing": {"schema": {"type": "string"}, "description": "Milliseconds of each stage."}},
        },
        **_ERRORS,
    },
    openapi_extra=_BODY,
)
async def predict_picture(
    request: Request,
    model: Annotated[str | None, Query(description="Name of a model; by default the first.")] = None,
    form: Annotated[
        str | None,
        Query(description="Form of the answer, as zoo predict --save has them, jpeg, or scored; it beats Accept."),
    ] = None,
    scores: Annotated[bool, Query(description="Compute scores; the JSON has their means.")] = False,
) -> Response:
    """Segments the picture that is the body, or the one file of a form."""
    service = service_of(request)
    refuse_encoding(request)
    wish = Wish(form if form is not None else accepted(request, _FORMS), scores)
    return await service.answer(request, "picture", service.default if model is None else model, wish)


@router.get("/models", summary="The models of the server", responses=errors_of(Problem, 401))
async def list_models(request: Request) -> ModelList:
    """Lists the models, the default one first."""
    service = service_of(request)
    return ModelList(models=[_info(service, served) for served in service.models.values()])


@router.get("/models/{name}", summary="A model of the server", responses=errors_of(Problem, 401, 404))
async def show_model(request: Request, name: str) -> ModelInfo:
    """Shows a model."""
    service = service_of(request)
    return _info(service, service.model(name))


def _info(service: Service, served: Served) -> ModelInfo:
    holders = service.pool.holders(served.name)
    loaded = holders[0] if holders else None
    return ModelInfo(
        name=served.name,
        origin=served.origin,
        classes=list(served.labels.names),
        palette=[f"#{bytes(color).hex()}" for color in served.labels.palette],
        ignore_index=served.labels.ignore_index,
        default=served.name == service.default,
        workers=len(holders),
        device=loaded.device if loaded else "",
        engine=loaded.engine if loaded else "",
        precision=loaded.precision if loaded else "",
        memory=max((holder.memory for holder in holders), default=0),
    )
