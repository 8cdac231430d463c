"""`/`, `/docs` and `/assets/…`: the pages and their files."""

from fastapi import APIRouter, Request, Response

from spark_control.dashboard.pages import Page, read

ASKED_EACH_TIME = "no-cache"
KEPT = "public, max-age=31536000, immutable"


def router(page: Page | None = None) -> APIRouter:
    """Return the routes of the page; its links are relative, so a path prefix before it works."""
    shown = page or read()
    routes = APIRouter(include_in_schema=False)

    @routes.api_route("/docs", methods=["GET", "HEAD"])
    @routes.api_route("/", methods=["GET", "HEAD"])
    async def shell(request: Request) -> Response:
        text = shown.docs if request.url.path.endswith("/docs") else shown.index
        headers = {"Cache-Control": ASKED_EACH_TIME, "ETag": f'"{shown.version}"'}
        if shown.version in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(text, media_type="text/html", headers=headers)

    @routes.api_route("/assets/{version}/{name}", methods=["GET", "HEAD"])
    async def asset(version: str, name: str) -> Response:
        file = shown.asset(version, name)
        return Response(file.body, media_type=file.kind, headers={"Cache-Control": KEPT})

    return routes
