"""Serves the page: every file of the bundle from memory, immutable ones for ever, under a strict content policy.

What must stay true: the page loads nothing from another host, and runs no script that is not a file of the bundle.
"""

import gzip
import mimetypes
import secrets
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from campaign_service.problems import Problem

BUNDLE = Path(__file__).parent / "bundle"
IMMUTABLE = "assets/"  # the build puts a hash of the content into these names
NONCE = "{{nonce}}"  # in index.html, for the styles that the page's components add
COMPRESSED = frozenset({"text/html", "text/css", "text/javascript", "image/svg+xml", "application/json"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
NOT_BUILT = """The dashboard's page is not built: `make bundle` builds it (`make up` does so, too)."""


@dataclass(frozen=True, slots=True)
class _File:
    media_type: str
    body: bytes
    zipped: bytes | None


class Page:
    """The bundle, read once; empty when it has not been built."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        self._files = {path.relative_to(folder).as_posix(): _read(path) for path in paths}

    async def problem(self) -> str | None:
        """For readiness."""
        return None if "index.html" in self._files else "the page is not built"

    def router(self) -> APIRouter:
        """Files by their names; every other path is the page, whose own router knows it."""
        router = APIRouter(tags=["page"])

        @router.get("/{path:path}", include_in_schema=False)
        async def serve(path: str, request: Request) -> Response:
            found = self._files.get(path)
            if found is None or path == "index.html":
                if path.startswith(IMMUTABLE):
                    raise Problem(404, "not_found", f"There is no /{path}: the page may be an older version; reload.")
                return self._index()
            headers = {**HEADERS, "Vary": "Accept-Encoding"}
            headers["Cache-Control"] = (
                "public, max-age=31536000, immutable" if path.startswith(IMMUTABLE) else "no-cache"
            )
            if found.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
                headers["Content-Encoding"] = "gzip"
                return Response(found.zipped, media_type=found.media_type, headers=headers)
            return Response(found.body, media_type=found.media_type, headers=headers)

        return router

    def _index(self) -> Response:
        index = self._files.get("index.html")
        if index is None:
            return HTMLResponse(NOT_BUILT, status_code=503, headers=HEADERS)
        nonce = secrets.token_urlsafe(16)
        headers = {
            **HEADERS,
            "Content-Security-Policy": POLICY.replace("{nonce}", nonce),
            "Cache-Control": "no-store",  # the nonce is for this answer alone
        }
        return HTMLResponse(index.body.decode().replace(NONCE, nonce), headers=headers)


def _read(path: Path) -> _File:
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    body = path.read_bytes()
    return _File(media_type, body, gzip.compress(body, mtime=0) if media_type in COMPRESSED else None)
