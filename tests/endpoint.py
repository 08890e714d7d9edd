"""A program that asks the endpoint over plain HTTP, and holds each answer to what the OpenAPI document says of it."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import jsonschema

from polelens.web.security import PROGRAMS

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes = field(repr=False)  # which may be a picture

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass
class Program:
    """A program with a login."""

    url: str
    authorization: str
    seen: set[tuple[str, str, int]] = field(default_factory=set)  # what was answered: method, path, status

    def get(self, path: str, **headers: str) -> Answer:
        """What is at an address."""
        return self.ask("GET", path, None, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        """Ask by a body, which may be bytes that are no JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask("POST", path, data, **({"content_type": "application/json"} | headers))

    def ask(self, method: str, path: str, data: bytes | None, **headers: str) -> Answer:
        """An answer, whichever it is; a header that is empty is left out."""
        request = Request(self.url + path, data, method=method)  # noqa: S310  our own server
        for name, value in ({"authorization": self.authorization} | headers).items():
            if value:
                request.add_header(name.replace("_", "-"), value)
        try:
            with urlopen(request, timeout=90) as found:  # noqa: S310  our own server
                answer = _answer(found)
        except HTTPError as error:
            with error:
                answer = _answer(error)
        if path.startswith(PROGRAMS) and path != "/v1/openapi.json":
            self._as_documented(method, path, answer)
        return answer

    @cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document."""
        found: dict[str, Any] = self.get("/v1/openapi.json").json
        return found

    def _as_documented(self, method: str, path: str, answer: Answer) -> None:
        """The status is one that the document has, and the body what it says that it is."""
        plain = path.partition("?")[0]
        template = next((one for one in self.document["paths"] if _pattern(one).fullmatch(plain)), None)
        if template is None or method.lower() not in self.document["paths"][template]:
            assert answer.status in (401, 404, 405), answer
            assert answer.headers["content-type"] == PROBLEM
            return
        documented = self.document["paths"][template][method.lower()]["responses"]
        assert str(answer.status) in documented, f"{method} {template}: {answer} {answer.body[:300]!r}"
        kind = answer.headers["content-type"]
        content = documented[str(answer.status)]["content"]
        assert kind in content, f"{kind} of {method} {template} {answer.status}"
        if "json" in kind:
            schema = content[kind]["schema"] | {"components": self.document["components"]}
            jsonschema.validate(answer.json, schema, jsonschema.Draft202012Validator)
        self.seen.add((method, template, answer.status))


def basic(name: str, password: str) -> str:
    """The header of a person who knows the password."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def image(data: bytes) -> Mapping[str, Any]:
    """An instance that brings its bytes."""
    return {"image": {"b64": base64.b64encode(data).decode()}}


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{\w+\\}", "[^/:]+", re.escape(template)))


def _answer(found: Any) -> Answer:
    headers = {name.lower(): value for name, value in found.headers.items()}
    return Answer(found.status or 0, headers, found.read())
