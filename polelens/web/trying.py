"""A try: one photograph is explained under a model before all audits, for a person who waits."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from polelens.web.archive import LARGEST, keep
from polelens.web.desk import At, Desk
from polelens.web.finding import NotThere, Refused, TheAudit, reading
from polelens.web.forms import files, gone_to, told, uploads
from polelens.web.models import TheVersion
from polelens.web.orders import Order
from polelens.web.rendering import page
from polelens.web.who import AnOperator, Person
from storage.audits import Audits
from storage.registry import Version

BODIES = {"/models/{reference}/try": LARGEST + 2**20}
TAG = "try"  # by which the audits of tries are found

router = APIRouter()


@router.post("/models/{reference}/try")
async def attempt(request: Request, desk: At, version: TheVersion, who: AnOperator) -> Response:
    """Explain one photograph, sent along or of the archive, before all audits; and go where it will be seen."""
    async with uploads(request, 1) as form:
        number, image = await run_in_threadpool(_tried, desk, version, form, who)
    return gone_to(f"/audits/{number}/soon/{image}")


@router.get("/audits/{number}/soon/{image}")
def soon(request: Request, desk: At, audit: TheAudit, image: str) -> Response:
    """Wait for a photograph's explanation; as soon as it is there, go to it."""
    rows = [row for row in desk.audits.of(audit.id, image) if row.image == image]
    there = f"/audits/{audit.id}/photographs/{image}"
    if any(row.attribution for row in rows):
        asks = "hx-request" in request.headers
        return gone_to(there) if asks else RedirectResponse(there, 303)
    if desk.archive.find(image) is None:
        raise NotThere(f"There is no photograph {image[:64]}.")
    failed = next((row.reason for row in rows if row.state == "failed"), None)
    progress = desk.audits.progress(audit.id)
    return page(request, "soon.html", audit=audit, image=image, failed=failed, progress=progress)


def _tried(desk: Desk, version: Version, form: FormData, who: Person) -> tuple[int, str]:
    image = _image(desk, form, who)
    with reading():
        asked = Order.of(form.multi_items())
        given = {**asked.told, "images": f"sha256:{image}", "now": "yes"}
        wanted = Order(given, {**asked.several, "tag": [TAG]}).wanted(version, who.name)
        number = Audits(desk.writes).begin(version, wanted)
    desk.note(who, "audit start", "audits", audit=number)
    desk.control.ask("produce")
    return number, image


def _image(desk: Desk, form: FormData, who: Person) -> str:
    """The photograph to try: the one sent along, else the one of the archive that is named."""
    if sent := files(form, "file"):
        added = keep(desk, sent, None, who)
        if not added.first:
            raise Refused("; ".join(f"{name}: {reason}" for name, reason in added.refused))
        return added.first
    image = told(form, "photograph")
    with reading():
        found = desk.archive.page(f"sha256:{image}" if image else "none", 0, 2)
    if len(found) != 1:
        raise Refused("choose a file, or a photograph of the archive")
    return found[0].sha256
