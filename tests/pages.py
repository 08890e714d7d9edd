"""The pages, served over a database, and what a browser without eyes gets from them."""

import base64
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import uvicorn

from polelens.stack.address import HOST, free_port
from polelens.web.doors import Password
from polelens.web.opening import desk, pages
from polelens.web.security import Door, Forms
from polelens.web.who import Role
from storage.settings import Settings

BOUNDARY = "a-boundary-of-forms"
SECRET = "correct-horse"  # noqa: S105
WHOM = "the pole team"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str


@dataclass(frozen=True)
class Pages:
    """Pages that are served, and a person who knows the password."""

    url: str
    who: str = "anna"

    def get(self, path: str, **headers: str) -> Answer:
        """A page."""
        return self.ask(Request(self.url + path), headers)  # noqa: S310  our own server

    def json(self, path: str) -> Any:
        """What a twin says."""
        return json.loads(self.get(path).text)

    def post(self, path: str, body: str | bytes, **headers: str) -> Answer:
        """Send a form as a page of ours does; a header that is empty is left out."""
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.url))
        ours = {"x-polelens-token": Forms(SECRET).token(self.who), "sec-fetch-site": "same-origin", "origin": origin}
        ours |= {"content-type": "application/x-www-form-urlencoded"}
        given = ours | {name.replace("_", "-"): value for name, value in headers.items()}
        sent = body.encode() if isinstance(body, str) else body
        return self.ask(Request(self.url + path, sent, method="POST"), given)  # noqa: S310

    def send(self, path: str, fields: Mapping[str, str], *files: tuple[str, str, bytes]) -> Answer:
        """Send a form with files, each a field, a file's name and its bytes, as a page of ours does."""
        told = [(f'name="{name}"', value.encode()) for name, value in fields.items()]
        told += [(f'name="{name}"; filename="{called}"', data) for name, called, data in files]
        parts = [
            f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + data for head, data in told
        ]
        body = b"".join(part + b"\r\n" for part in parts) + f"--{BOUNDARY}--\r\n".encode()
        return self.post(path, body, content_type=f"multipart/form-data; boundary={BOUNDARY}")

    def ask(self, request: Request, headers: dict[str, str]) -> Answer:
        """An answer, whichever it is."""
        login = base64.b64encode(f"{self.who}:{SECRET}".encode()).decode()
        for name, value in ({"authorization": f"Basic {login}"} | headers).items():
            if value:
                request.add_header(name.replace("_", "-"), value)
        try:
            with urlopen(request, timeout=120) as found:  # noqa: S310  our own server
                return _answer(found)
        except HTTPError as error:
            with error:
                return _answer(error)


@contextmanager
def served(
    database_url: str,
    blobs: Path,
    *,
    writing: bool = True,
    role: Role = Role.OPERATOR,
    door: Door | None = None,
    port: int = 0,
    root: str = "",
    broker_url: str = "redis://127.0.0.1:1",
) -> Iterator[Pages]:
    """The pages over a database, until the block ends: for people of this role, or for whom a door lets in."""
    settings = Settings(database_url=database_url, broker_url=broker_url, blobs=str(blobs))
    made, port = desk(settings, database_url, Forms(SECRET), whom=WHOM, writing=writing), port or free_port()
    app = pages(made, door or Password(SECRET, role), root)
    config = uvicorn.Config(app, HOST, port, log_level="warning", lifespan="off", proxy_headers=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield Pages(f"http://{HOST}:{port}{root}")
    finally:
        server.should_exit = True
        thread.join()
        made.figures.close()
        made.engine.dispose()
        if made.writing:
            made.writing.dispose()


def _answer(found: HTTPResponse | HTTPError) -> Answer:
    headers = {name.lower(): value for name, value in found.headers.items()}
    return Answer(found.status or 0, headers, found.read().decode("utf-8", "replace"))
