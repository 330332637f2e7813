"""The application: all routes, and the document that describes them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

import zoo
from zoo.serve.refusal import RefusedError, refusal_of
from zoo.serve.web.doors import Doors
from zoo.serve.web.front import Front
from zoo.serve.web.routes import better, documented, documents, health, inference, page_files
from zoo.serve.web.service import Service, told


class _Unsent(Response):
    """Stands for an answer that `Front` sends."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pass


async def _keep(request: Request, error: Exception) -> Response:
    told(request).error = error
    return _Unsent()


async def _keep_query(request: Request, error: Exception) -> Response:
    place = ""
    if isinstance(error, RequestValidationError) and error.errors():
        place = ".".join(map(str, error.errors()[0].get("loc", ())))
    return await _keep(
        request, refusal_of(422, "{place} is not what was expected.", "Look into /openapi.json.", place=place)
    )


def make_app(service: Service, doors: Doors) -> ASGIApp:
    """Makes the application.

    Args:
        service: What its routes ask.
        doors: Who may ask.
    """
    app = FastAPI(
        title="zoo",
        version=zoo.__version__,
        summary="Semantic segmentation",
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        # A redirect would lose the body.
        redirect_slashes=False,
        exception_handlers={
            RefusedError: _keep,
            HTTPException: _keep,
            ClientDisconnect: _keep,
            RequestValidationError: _keep_query,
            Exception: _keep,
        },
    )
    app.state.service = service
    for module in (documented, better, inference, health, page_files):
        app.include_router(module.router)
    app.openapi = lambda: _described(app)
    return Front(app, doors, service.watch)


def _described(app: FastAPI) -> dict[str, Any]:
    """Returns the OpenAPI document, with the bodies that routes read themselves."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for model in (*documented.MODELS, inference.V2Error, documents.Problem):
            schemas[model.__name__] = model.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        _leave_out_own_errors(document)
        _name_models(document, list(app.state.service.models))
        app.openapi_schema = document
    return app.openapi_schema


def _leave_out_own_errors(document: dict[str, Any]) -> None:
    """Leaves out the error that FastAPI tells of by itself: none of the routes sends it."""
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    for path in document["paths"].values():
        for operation in path.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]


def _name_models(document: dict[str, Any], models: list[str]) -> None:
    """Names the models, and their version, where a path or a query takes one."""
    known = {"name": models, "model": models, "version": [inference.VERSION]}
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in known:
                    parameter["schema"] = {"type": "string", "enum": known[parameter["name"]]}
