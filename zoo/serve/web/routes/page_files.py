"""The page: `/`, and what it loads."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response

from zoo.serve.page.assets import HEADERS, page_file

# A page is no part of an interface for programs.
router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
@router.api_route("/page/{name}", methods=["GET", "HEAD"])
async def show_page(request: Request) -> Response:
    """Sends a file of the page, or that the browser's copy is still right."""
    file = page_file(request.url.path)
    if file is None:
        raise HTTPException(404)
    headers = {**HEADERS, "ETag": file.etag}
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    return Response(file.body, headers=headers, media_type=file.media_type)
