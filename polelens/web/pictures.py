"""Pictures by their addresses, drawn when somebody looks and kept by whoever has looked."""

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from polelens.web.desk import At
from polelens.web.finding import Found, NotThere, TheExplanation, reading
from polelens.web.painter import Painter, Wanted

FOR_EVER = "private, max-age=31536000, immutable"  # of an address that says which pixels it is of
ASK_AGAIN = "private, no-cache"

router = APIRouter()


@router.get("/audits/{number}/photographs/{image}/{kind}.webp")
async def picture(request: Request, desk: At, found: TheExplanation, kind: str) -> Response:
    """A picture, or that the reader has it already: then nothing is drawn."""
    with reading():
        wanted = Wanted.of(kind, request.query_params, desk.painter.usual)
    tag = desk.painter.etag(found.row.key, wanted)
    named = request.query_params.get("v") == tag
    headers = {"etag": f'"{tag}"', "cache-control": FOR_EVER if named else ASK_AGAIN}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    data = await to_thread.run_sync(_painted, desk.painter, found, wanted, limiter=desk.painter.at_once)
    return Response(data, media_type="image/webp", headers=headers)


def _painted(painter: Painter, found: Found, wanted: Wanted) -> bytes:
    if not painter.has(found.row, wanted):
        raise NotThere(wanted.kind)
    return painter.paint(found.row, found.audit.model_profile, wanted)
