"""Errors as answers: in the documented body on the documented route, in that of the protocol under /v2, and as
problem+json elsewhere.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from zoo.serve.exchange import Denied
from zoo.serve.refusal import RefusedError
from zoo.serve.web.routes.documents import PROBLEM

#: The documented route.
DOCUMENTED = "/semantic-segmentation"


def error_response(path: str, refusal: RefusedError, log_id: str) -> Response:
    """Returns the answer of a request that was refused.

    Args:
        path: The path that was asked for.
        refusal: Why.
        log_id: Of the request.
    """
    denied = refusal.denied
    media_type = "application/json"
    if path == DOCUMENTED:
        body: dict[str, Any] = {"logId": log_id, "errorCode": denied.status, "errorMsg": _sentence(denied)}
    elif path == "/v2" or path.startswith("/v2/"):
        body = {"error": _sentence(denied), "logId": log_id}
    else:
        body, media_type = _problem(denied, log_id), PROBLEM
    content = json.dumps(body, ensure_ascii=True, allow_nan=False).encode("ascii")
    return Response(content, denied.status, dict(refusal.headers), media_type)


def _sentence(denied: Denied) -> str:
    return f"{denied.message} {denied.hint}".strip()


def _problem(denied: Denied, log_id: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": HTTPStatus(denied.status).phrase,
        "status": denied.status,
        "detail": str(denied.message),
        "instance": f"urn:uuid:{log_id}",
        "hint": str(denied.hint),
        "error": denied.kind,
        "template": denied.template,
        "values": dict(denied.values),
        "logId": log_id,
    }
