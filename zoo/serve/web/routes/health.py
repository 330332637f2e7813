"""Whether the server lives, and whether it takes requests: answered without any worker."""

from __future__ import annotations

from collections import Counter
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from zoo.serve.web.routes.documents import Problem, errors_of
from zoo.serve.web.service import Service, service_of

router = APIRouter()


class Health(BaseModel):
    """How the server is."""

    status: Literal["live", "ready", "loading", "failed", "draining"]
    workers: dict[str, int] = Field(description="How many workers are loading, idle, busy, restarting or failed.")
    queue: int = Field(description="Requests that wait.")


def status_of(service: Service) -> Literal["ready", "loading", "failed", "draining"]:
    """Returns whether a server takes requests, or why not."""
    if service.draining:
        return "draining"
    if service.pool.failed:
        return "failed"
    return "ready" if service.pool.ready else "loading"


@router.get("/health", summary="Whether the server lives")
@router.get("/health/live", summary="Whether the server lives")
async def live(request: Request) -> Health:
    """Answers as long as the server lives."""
    service = service_of(request)
    return Health(status="live", workers=dict(Counter(service.pool.statuses)), queue=service.pool.length)


@router.get("/health/ready", summary="Whether the server takes requests", responses={503: {"model": Health}})
async def ready(request: Request, response: Response) -> Health:
    """Answers 503 while models are opened, when every worker was given up, and when the server is being stopped."""
    service = service_of(request)
    status = status_of(service)
    response.status_code = 200 if status == "ready" else 503
    return Health(status=status, workers=dict(Counter(service.pool.statuses)), queue=service.pool.length)


@router.get(
    "/metrics",
    summary="Counts and times for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}, **errors_of(Problem, 401)},
)
async def metrics(request: Request) -> Response:
    """Tells requests, latencies, stages, queue, workers and memory."""
    return Response(service_of(request).watch.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
