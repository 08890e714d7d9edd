"""Forms: what a browser sends, read within bounds, and where it goes afterwards."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile

from polelens.web.finding import Refused

FIELDS = 32
CHARSET = re.compile(r";\s*charset(?!\s*=\s*\"?utf-8\"?\s*(;|$))", re.IGNORECASE)  # any but UTF-8


async def read_form(request: Request) -> FormData:
    """A form without files."""
    _check_charset(request)
    return await request.form(max_files=0, max_fields=FIELDS)


@asynccontextmanager
async def uploads(request: Request, most: int) -> AsyncIterator[FormData]:
    """A form with so many files at most; those of more than a megabyte wait on disk, and are gone afterwards."""
    _check_charset(request)
    form = await request.form(max_files=most, max_fields=FIELDS)
    try:
        yield form
    finally:
        await form.close()


def _check_charset(request: Request) -> None:
    """Raise Refused for a form that says that it is in anything but UTF-8.

    Browsers say nothing. Python would decode by whatever it knows: `unicode_escape` makes what is no text.
    """
    if CHARSET.search(request.headers.get("content-type", "")):
        raise Refused("a form is sent in UTF-8")


def told(form: FormData, name: str) -> str:
    """What a field says, without blanks around it; nothing where it is missing or a file."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def files(form: FormData, name: str) -> list[UploadFile]:
    """The files of a field; none where no file was chosen, for which browsers send one without name and bytes."""
    return [one for one in form.getlist(name) if isinstance(one, UploadFile) and (one.filename or one.size)]


def file(form: FormData, name: str, most: int) -> bytes | None:
    """The bytes of a field's only file; None where none was chosen. Raises Refused where it is longer than `most`."""
    for one in files(form, name):
        data = one.file.read(most + 1)
        if len(data) > most:
            raise Refused(f"{name} has more than {most:,} bytes")
        return data
    return None


def gone_to(address: str) -> Response:
    """What makes a page of ours go to another one."""
    return Response(status_code=204, headers={"HX-Redirect": address})
