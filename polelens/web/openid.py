"""Signing in by OpenID Connect, with Authlib: it makes and checks state, nonce, PKCE, signature and claims."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import OAuth, StarletteOAuth2App
from httpx2 import HTTPError
from joserfc.errors import JoseError
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

from polelens.web.doors import Admission
from polelens.web.security import SAFE, path_of, refusal
from polelens.web.settings import WebSettings
from polelens.web.who import Person

SIGN_IN, BACK = "/sign-in", "/sign-in/back"
SESSION_SECONDS = 8 * 3600  # a day's work; who has lost a role loses it at once, whatever the cookie says
TIMEOUT_SECONDS = 10
LONGEST_TO = 1_000  # characters: browsers drop a cookie of more than 4,096 bytes, and what else it has to keep
OURS = re.compile(r"/(?![/\\])[^\\\s]*")  # the path of a page of ours, and no address of anybody else's

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenID:
    """Lets in whom the provider has signed in; a signed cookie keeps their name and groups for some hours."""

    client: StarletteOAuth2App
    admission: Admission
    settings: WebSettings

    async def let_in(self, request: Request) -> Person | Response:
        """Who is signed in; who is not is sent to the provider, if it is a page that they want."""
        if path_of(request) in (SIGN_IN, BACK) and request.method in SAFE:
            return await self._at_the_provider(request)
        if name := request.session.get("name"):
            return self.admission.of(request, name, request.session.get("groups", ()))
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            to = f"{path_of(request)}?{request.scope['query_string'].decode('latin-1')}".rstrip("?")
            request.session["to"] = to if len(to) <= LONGEST_TO else "/"
            return RedirectResponse(SIGN_IN, 303)
        return refusal(request, 401, "you are not signed in, or no longer: load the page again")

    async def _at_the_provider(self, request: Request) -> Response:
        try:
            return await (self._left(request) if path_of(request) == SIGN_IN else self._came_back(request))
        except (OAuthError, JoseError, ValueError, RuntimeError) as error:
            logger.warning("nobody was signed in: %s", type(error).__name__)
            return refusal(request, 400, f"the provider's answer does not hold: open {SIGN_IN} again")
        except HTTPError as error:
            logger.warning("%s: %s", self.settings.openid_issuer, type(error).__name__)
            return refusal(request, 503, "the provider of OpenID does not answer")

    async def _left(self, request: Request) -> Response:
        """Send somebody to the provider, and forget who they were."""
        to = request.session.get("to")
        request.session.clear()
        if to:
            request.session["to"] = to
        metadata = await self.client.load_server_metadata()
        if str(metadata.get("issuer", "")).rstrip("/") != self.settings.openid_issuer:
            raise ValueError("another issuer")
        sent: Response = await self.client.authorize_redirect(request, self.settings.url + BACK)
        return sent

    async def _came_back(self, request: Request) -> Response:
        """Believe the provider who they are, and show them what they wanted to see."""
        token = await self.client.authorize_access_token(request)
        claims = token.get("userinfo")
        if not claims:
            raise ValueError("no ID token")
        to = str(request.session.get("to", "/"))
        request.session.clear()
        name = self._name(claims)
        if not isinstance(name, str):
            return refusal(request, 403, f"the provider does not vouch for {self.settings.openid_name} of this account")
        given = claims.get(self.settings.openid_groups)
        groups = [str(one) for one in given] if isinstance(given, list) else [given] if isinstance(given, str) else []
        request.session.update({"name": name, "groups": self.admission.members.named(groups)})
        return RedirectResponse(to if OURS.fullmatch(to) else "/", 303)

    def _name(self, claims: Mapping[str, Any]) -> object:
        """A person's name; anybody can claim an address that nobody has verified."""
        claim = self.settings.openid_name
        return None if claim == "email" and claims.get("email_verified") is not True else claims.get(claim)

    def remembering(self, app: ASGIApp, secret: str) -> ASGIApp:
        """The application with cookies: signed, kept from scripts, from other sites' forms and, with TLS, from HTTP."""
        url = urlsplit(self.settings.url)
        secure, path = url.scheme == "https", url.path or "/"
        # By the first prefix no other host of the domain can set it; it is for cookies of whole hosts.
        name = ("__Host-" if path == "/" else "__Secure-") * secure + "polelens"
        return SessionMiddleware(app, secret, name, SESSION_SECONDS, path, "lax", https_only=secure)


def client(settings: WebSettings) -> StarletteOAuth2App:
    """What speaks to the provider."""
    kept: StarletteOAuth2App = OAuth().register(
        "polelens",
        client_id=settings.openid_client,
        client_secret=settings.openid_secret,
        server_metadata_url=f"{settings.openid_issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256", "timeout": TIMEOUT_SECONDS},
    )
    return kept
