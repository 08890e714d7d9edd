"""Pages below a path: `/polelens` on a host that has other things too, behind a proxy that leaves the path as it is or
takes its beginning off.

Pages and templates write addresses from the top, `/audits/3`. They are put below a path in one place, on the way
out: in rendered HTML and in redirects.
"""

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ROOT = re.compile(r"(/[A-Za-z0-9._~-]+)*")
# Rendered pages escape the quotes of what is put into them: nothing that a person wrote looks so.
LINK = re.compile(r'(\s(?:href|src|action|hx-(?:get|post|put|patch|delete|push-url)|data-(?:base|events))=")/(?!/)')


def checked(root: str) -> str:
    """A path that pages can be below, without the slash at its end. Raises ValueError."""
    path = root.rstrip("/")
    if not ROOT.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise ValueError(f"the path {root!r} is none to put pages below, expected one like /polelens")
    return path


def linked(request: Request, html: str) -> str:
    """Rendered HTML whose addresses are below the path of the pages."""
    root = request.scope.get("root_path", "")
    return LINK.sub(rf"\1{root}/", html) if root else html


@dataclass(frozen=True, slots=True)
class Below:
    """Serves an application below a path."""

    app: ASGIApp
    root: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whether or not the proxy has taken the path off it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"] == self.root:
            await RedirectResponse(f"{self.root}/", 308)(scope, receive, send)
        else:
            path = scope["path"] if scope["path"].startswith(f"{self.root}/") else self.root + scope["path"]
            await self.app({**scope, "path": path, "root_path": self.root}, receive, self._moved(send))

    def _moved(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(name, self._header(name, value)) for name, value in message.get("headers", ())]
                message = {**message, "headers": headers}
            await send(message)

        return sent

    def _header(self, name: bytes, value: bytes) -> bytes:
        from_the_top = name.lower() in (b"location", b"hx-redirect") and re.match(rb"/(?!/)", value)
        return self.root.encode() + value if from_the_top else value
