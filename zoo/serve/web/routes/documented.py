"""The documented route: what the clients of the PaddleX tutorial send and understand."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from zoo.serve.web.refusals import DOCUMENTED
from zoo.serve.web.routes.documents import DocumentedAnswer, DocumentedError, DocumentedRequest, body_of, errors_of
from zoo.serve.web.routes.encodings import refuse_encoding
from zoo.serve.web.service import service_of

router = APIRouter()


@router.post(
    DOCUMENTED,
    summary="Segment a picture",
    response_model=None,
    responses={
        200: {"model": DocumentedAnswer},
        **errors_of(DocumentedError, 400, 401, 403, 408, 413, 415, 422, 500, 503, 504),
    },
    openapi_extra=body_of("application/json", schema={"$ref": "#/components/schemas/DocumentedRequest"}),
)
async def infer(request: Request) -> Response:
    """Segments the picture in a JSON body.

    The body is read whatever its Content-Type is: the documented client for Node.js sends JSON as a form.
    """
    service = service_of(request)
    refuse_encoding(request)
    return await service.answer(request, "documented", service.default)


#: Models of the OpenAPI document that no annotation names.
MODELS = (DocumentedRequest, DocumentedError)
