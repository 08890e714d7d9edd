"""A provider of OpenID Connect: real HTTP, real keys, and answers that can be made wrong on purpose."""

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from polelens.stack.address import HOST

CLIENT, SECRET = "pages", "the-secret-of-the-pages"
ANNA = {"sub": "1", "email": "anna@example.com", "email_verified": True, "groups": ["inspectors", "choir"]}


@dataclass
class Provider:
    """Signs `who` in at once, whoever asks; `wrong` takes the place of what is right in the ID token."""

    url: str = ""
    who: dict[str, Any] = field(default_factory=lambda: dict(ANNA))
    wrong: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    signs: RSAKey | None = None  # the key it signs with, where that is not the one that it shows
    unsigned: bool = False
    asked: dict[str, dict[str, str]] = field(default_factory=dict)  # by the code that was given

    def configuration(self) -> dict[str, Any]:
        """What it says of itself."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to, with a code."""
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.asked[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """A code's tokens, once, to the client that shows its secret and what it had a hash of in the beginning."""
        asked = self.asked.pop(form.get("code", ""), None)
        right = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked is None or authorization != f"Basic {right}" or form["redirect_uri"] != asked["redirect_uri"]:
            return None
        digest = sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return None
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": asked["nonce"]}
        return {"access_token": "unused", "token_type": "Bearer", "id_token": self._signed(claims)}

    def _signed(self, claims: dict[str, Any]) -> str:
        claims |= self.who | self.wrong
        if self.unsigned:
            parts = ({"alg": "none", "typ": "JWT"}, claims)
            told = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
            return ".".join((*told, ""))
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signs or self.key)


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/authorize":
            self.send_response(302)
            self.send_header("location", self.provider.authorize(dict(parse_qsl(url.query))))
            self.end_headers()
            return
        known = {
            "/.well-known/openid-configuration": self.provider.configuration(),
            "/keys": {"keys": [self.provider.key.as_dict(private=False)]},
        }
        self._answer(200, known[url.path])

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
        told = self.provider.token(form, self.headers.get("authorization", ""))
        self._answer(200 if told else 400, told or {"error": "invalid_grant"})

    def _answer(self, status: int, told: object) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider that answers until the block ends."""
    made = Provider()
    server = ThreadingHTTPServer((HOST, 0), type("Handler", (_Handler,), {"provider": made}))
    made.url = f"http://{HOST}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
