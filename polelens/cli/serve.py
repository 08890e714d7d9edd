"""Serve the pages."""

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from polelens.cli.store import database_url, engine
from polelens.cli.text import printable
from polelens.stack.workers import pages_installed
from storage.settings import settings

if TYPE_CHECKING:
    from polelens.web.settings import WebSettings


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8765, show_default=True, help="Where to listen.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Who may ask; 0.0.0.0: everybody.")
@click.option("--root-path", default="", help="The path below which a proxy shows them, if not POLELENS_WEB_URL's.")
@click.option(
    "--read-only", is_flag=True, help="Everybody only looks: a login that may SELECT and nothing else will do."
)
def serve(port: int, address: str, root_path: str, read_only: bool) -> None:
    """Serve the pages: audits, their photographs, and what people say of them.

    They ask for a name, which marks are signed with, and for a password: that of POLELENS_WEB_LOGIN=name:password, else
    one that is made and printed. Where others than this machine may ask, put a proxy with TLS before them, and let
    people sign in there or by OpenID: POLELENS_WEB_SIGN_IN, see docs/pages.md. Needs pip install 'polelens[web]'.

    \b
    polelens serve
    polelens serve --port 8080 --read-only
    polelens serve --root-path /polelens
    """
    if not pages_installed():
        raise ValueError("the pages need an extra: pip install 'polelens[web]'")
    import uvicorn  # noqa: PLC0415  an extra, as what follows

    from polelens.web.below import checked  # noqa: PLC0415
    from polelens.web.opening import desk, door, pages  # noqa: PLC0415
    from polelens.web.security import Forms  # noqa: PLC0415
    from polelens.web.settings import web_settings  # noqa: PLC0415

    with engine().connect():  # pages without a database show nothing
        pass
    found = web_settings()
    root = checked(root_path or urlsplit(found.url).path)
    if found.url and root != urlsplit(found.url).path:
        raise ValueError(f"--root-path is {root}, and POLELENS_WEB_URL is {found.url}: leave one of the two out")
    password = found.password or secrets.token_urlsafe(16)
    forms = Forms(found.signing(password), found.host)
    made = desk(settings(), database_url(), forms, whom=found.whom, writing=not read_only)
    click.echo(f"the pages: {found.url or f'http://{printable(address)}:{port}{root}'}/")
    for line in _told(found, password):
        click.echo(line)
    app = pages(made, door(found, password), root)
    how: dict[str, Any] = {"log_level": "warning", "server_header": False, "limit_concurrency": 200}
    how |= {"proxy_headers": False}  # whose connection it is no header changes: uvicorn would believe this machine's
    uvicorn.run(app, host=address, port=port, **how)


def _told(found: "WebSettings", password: str) -> Iterator[str]:
    """How people sign in, and what ends with this process."""
    if found.sign_in != "password":
        yield f"people sign in by {found.sign_in}; so many names and groups have a role: {found.members.told}"
        if not found.secret:
            yield "forms and cookies hold until this ends: POLELENS_WEB_SECRET keeps them, and is the same for all"
    elif not found.password:
        yield f"any name, and the password {password}"
