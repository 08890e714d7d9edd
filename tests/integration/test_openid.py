"""Signing in by OpenID Connect, at a provider that speaks it: who comes back is who it vouches for, and nobody else."""

import asyncio
import logging
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx2
import pytest
from joserfc.jwk import RSAKey
from starlette.responses import PlainTextResponse
from starlette.types import Message

from polelens.stack.address import HOST, free_port
from polelens.web.doors import Admission
from polelens.web.openid import OpenID, client
from polelens.web.security import Bounds, Forms, Gate
from polelens.web.settings import WebSettings
from tests.openid_provider import CLIENT, SECRET, Provider, provider
from tests.pages import WHOM, Pages, served
from tests.played_ledger import Desk

LISTS = {"readers": "*", "markers": "group:inspectors", "operators": "olga@example.com"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[Provider]:
    """A provider."""
    with provider() as found:
        yield found


@pytest.fixture
def at(issuer: Provider) -> Provider:
    """The provider, right in everything."""
    right = Provider()
    issuer.who, issuer.wrong, issuer.signs, issuer.unsigned = right.who, {}, None, False
    return issuer


def _door(at: Provider, url: str, **more: str) -> OpenID:
    known = {"openid_issuer": at.url, "openid_client": CLIENT, "openid_secret": SECRET}
    settings = WebSettings.model_validate({"sign_in": "openid", "url": url, **known, **LISTS, **more})
    return OpenID(client(settings), Admission(settings.members, WHOM), settings)


@pytest.fixture
def pages(desk: Desk, database_url: str, at: Provider, tmp_path: Path) -> Iterator[Pages]:
    """Pages where people sign in at the provider."""
    desk.audit("a.jpg")
    port = free_port()
    with served(database_url, tmp_path / "blobs", door=_door(at, f"http://{HOST}:{port}"), port=port) as found:
        yield found


def _browser(pages: Pages) -> httpx2.Client:
    headers = {"accept": "text/html", "sec-fetch-site": "same-origin"}
    return httpx2.Client(base_url=pages.url, headers=headers, follow_redirects=True, trust_env=False)


def test_who_signs_in_sees_what_they_wanted_and_signs_out(pages: Pages, at: Provider) -> None:
    """By a cookie that no script and no other site's form has; programs and forms are told instead of sent away."""
    with _browser(pages) as browser:
        found = browser.get("/audits/1?x=1")
        assert (found.status_code, found.url.path, found.url.query) == (200, "/audits/1", b"x=1")
        assert "you are <bdi>anna@example.com</bdi>" in found.text
        cookie = next(
            one for step in found.history for one in step.headers.get_list("set-cookie") if "polelens=" in one
        )
        assert {"httponly", "samesite=lax", "path=/"} <= set(cookie.lower().split("; "))
        token = re.findall(r'x-polelens-token":"([0-9a-f]{64})"', found.text)[0]
        assert browser.post("/sign-out").status_code == 403  # from a page that does not know the token
        left = browser.post("/sign-out", headers={"x-polelens-token": token})
        assert (left.status_code, left.headers["hx-redirect"]) == (204, "/signed-out")
        assert browser.get("/signed-out").text.startswith("you are signed out")
        told = browser.get("/audits.json", headers={"accept": "application/json"})
        assert (told.status_code, "not signed in" in told.text) == (401, True)


def test_a_long_address_keeps_nobody_out(pages: Pages) -> None:
    """Browsers drop a cookie of more than 4,096 bytes, and with it what the sign-in is known again by."""
    with _browser(pages) as browser:
        found = browser.get("/photographs?images=" + "x" * 3_000)
        cookies = [one for step in found.history for one in step.headers.get_list("set-cookie")]
        assert max(map(len, cookies)) <= 4_096
        assert (found.status_code, found.url.path) == (200, "/")


def test_below_a_path_people_come_back_below_it(desk: Desk, database_url: str, at: Provider, tmp_path: Path) -> None:
    """By the address of the pages, which has the path; the cookie is for nothing else on the host."""
    desk.audit("a.jpg")
    port, root = free_port(), "/look/polelens"
    door = _door(at, f"http://{HOST}:{port}{root}")
    with served(database_url, tmp_path / "blobs", door=door, port=port, root=root) as below, _browser(below) as browser:
        found = browser.get("/audits/1?x=1")
        assert (found.status_code, found.url.path, found.url.query) == (200, f"{root}/audits/1", b"x=1")
        cookies = [one.lower() for step in found.history for one in step.headers.get_list("set-cookie")]
        assert cookies
        assert all(f"path={root}" in one.split("; ") for one in cookies)
        token = re.findall(r'x-polelens-token":"([0-9a-f]{64})"', found.text)[0]
        left = browser.post("/sign-out", headers={"x-polelens-token": token})
        assert left.headers["hx-redirect"] == f"{root}/signed-out"
        assert browser.get("/signed-out").text.startswith("you are signed out")


@pytest.mark.parametrize(
    ("who", "status", "said"),
    [
        ({"email": "olga@example.com"}, 200, "you are <bdi>olga@example.com</bdi>"),
        ({"email_verified": False}, 403, "does not vouch for email"),
        ({"email_verified": "true"}, 403, "does not vouch for email"),
        ({"email": None}, 403, "does not vouch for email"),
        ({"email": "token/nightly"}, 403, "is no name of a person"),
        ({"groups": "inspectors"}, 200, "you are <bdi>anna@example.com</bdi>"),
        ({"groups": 5}, 200, "you are <bdi>anna@example.com</bdi>"),
        ({"groups": {"inspectors": True}}, 200, "you are <bdi>anna@example.com</bdi>"),
    ],
    ids=str,
)
def test_a_name_is_one_that_the_provider_vouches_for(
    pages: Pages, at: Provider, who: dict[str, object], status: int, said: str
) -> None:
    """An address that nobody has verified may be anybody's; and nobody is called as a token is."""
    at.who |= who
    with _browser(pages) as browser:
        found = browser.get("/")
    assert (found.status_code, said in found.text) == (status, True), found.text


def test_an_answer_that_does_not_hold_signs_nobody_in(
    pages: Pages, at: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    """Another's key, none, another nonce, client or issuer, or yesterday's: refused, and the log has no secret."""
    others = RSAKey.generate_key(2048, {"kid": "one"})
    claims: list[dict[str, object]] = [{"nonce": "x"}, {"aud": "others"}, {"iss": "https://x"}, {"exp": 1}]
    with caplog.at_level(logging.INFO):
        for wrong, signs, unsigned in (*((one, None, False) for one in claims), ({}, others, False), ({}, None, True)):
            at.wrong, at.signs, at.unsigned = wrong, signs, unsigned
            with _browser(pages) as browser:
                found = browser.get("/")
                assert (found.status_code, "does not hold" in found.text) == (400, True), wrong
                assert browser.get("/", follow_redirects=False).status_code == 303
    assert SECRET not in caplog.text
    told = [one.getMessage() for one in caplog.records if one.name.startswith("polelens")]
    assert {one.partition(":")[0] for one in told} == {"nobody was signed in"}
    assert "code=" not in str(told)


def test_nobody_is_signed_in_by_a_link(pages: Pages, at: Provider) -> None:
    """Coming back without having left, with another's state, or twice; nor does a sign-in lead elsewhere."""
    with _browser(pages) as anna, _browser(pages) as bo:
        left = anna.get("/sign-in", follow_redirects=False)
        back = httpx2.get(left.headers["location"], trust_env=False).headers["location"]
        assert bo.get(back).status_code == 400
        assert bo.get("/sign-in/back?code=x&state=y").status_code == 400
        assert bo.get("/sign-in/back?error=x&error_description=<b>").text.count("<b>") == 0
        assert anna.get(back).status_code == 200
        assert anna.get(back).status_code == 400
    for path in ("//elsewhere.example/", "/\\elsewhere.example"):
        with _browser(pages) as browser:
            step = browser.get(f"{pages.url}{path}", follow_redirects=False)
            while "location" in step.headers:
                assert re.match(rf"(/(?![/\\])|{pages.url}|{at.url})", step.headers["location"]), step.headers
                step = browser.get(step.headers["location"], follow_redirects=False)


def test_a_cookie_is_signed_and_roles_are_todays(pages: Pages, at: Provider, desk: Desk, database_url: str) -> None:
    """Changed by a letter it is nobody's; and with TLS it goes by TLS alone, to this host alone."""
    with _browser(pages) as browser:
        assert browser.get("/").status_code == 200
        [value] = browser.cookies.values()
        changed = ("A" if value[5] != "A" else "B").join((value[:5], value[6:]))
        refused = httpx2.get(f"{pages.url}/audits.json", cookies={"polelens": changed}, trust_env=False)
        assert refused.status_code == 401
    with served(database_url, Path("blobs"), door=_door(at, "https://poles.example.com", readers="nobody")) as tls:
        sent = httpx2.get(tls.url, headers={"accept": "text/html"}, trust_env=False)
        [cookie] = sent.headers.get_list("set-cookie")
        assert cookie.startswith("__Host-polelens=")
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= set(cookie.lower().split("; "))
        at.who["groups"] = []  # from the next sign-in on
        known = httpx2.get(tls.url, cookies={"__Host-polelens": value}, trust_env=False)
        assert known.status_code == 200  # an inspector, by the group that the cookie has


def test_below_a_path_the_cookie_is_the_path_s_alone(at: Provider) -> None:
    """A host that has other things too does not get it."""
    door = _door(at, "https://example.com/polelens/")
    asked = {"type": "http", "method": "GET", "path": "/polelens/audits/1", "root_path": "/polelens"}
    sent = list[Message]()
    app = door.remembering(Gate(PlainTextResponse("x"), door, door, Forms(SECRET), Bounds({})), SECRET)
    asked |= {"query_string": b"a=%2F", "headers": [(b"accept", b"text/html")]}
    asyncio.run(app(asked, _nothing, partial(_keep, sent)))
    told = dict(sent[0]["headers"])
    assert (sent[0]["status"], told[b"location"]) == (303, b"/sign-in")
    assert told[b"set-cookie"].startswith(b"__Secure-polelens=")
    assert b"path=/polelens;" in told[b"set-cookie"]


async def _nothing() -> Message:
    return {"type": "http.request"}


async def _keep(sent: list[Message], message: Message) -> None:
    sent.append(message)


def test_a_provider_that_is_away_is_told(desk: Desk, database_url: str, at: Provider, tmp_path: Path) -> None:
    """In a sentence; and one that calls itself something else than it should is not believed."""
    with served(database_url, tmp_path, door=_door(Provider(url=f"http://{HOST}:1"), "http://localhost")) as pages:
        away = httpx2.get(f"{pages.url}/sign-in", trust_env=False)
        assert (away.status_code, away.text) == (503, "the provider of OpenID does not answer")
    door = _door(at, "http://localhost", openid_issuer=at.url.replace(HOST, "localhost"))
    with served(database_url, tmp_path, door=door) as pages:
        assert httpx2.get(f"{pages.url}/sign-in", trust_env=False).status_code == 400
