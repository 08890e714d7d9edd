"""Who gets in and what they may: roles, a proxy's word, tokens, bounds, the trail, and no way around the gate."""

import http.client
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine, create_engine, make_url, text

from polelens.stack.address import password
from polelens.web import leaving, marks
from polelens.web.doors import Admission
from polelens.web.members import Members
from polelens.web.proxy import Proxy, networks
from polelens.web.security import Forms
from polelens.web.who import Role
from storage.audits import Audits
from storage.forget.trail import trail
from storage.marks import Marks
from storage.roles import SQL
from storage.tokens import Tokens
from tests.commands import CommandsIn
from tests.pages import SECRET, WHOM, Pages, served
from tests.played_ledger import Desk, attribution

MEMBERS = Members.of("*", "group:inspectors", "olga")


@pytest.fixture
def image(desk: Desk) -> str:
    """A photograph that an audit has explained."""
    desk.audit("a.jpg")
    for step in desk.ledger.produce(64):
        assert desk.ledger.finish(desk.begin_reduction(step), attribution("no", "yes"))
    desk.ledger.settle()
    return next(iter(desk.audits.explained(1))).image


def _mark(image: str) -> str:
    return f"/audits/1/photographs/{image}/mark"


def _raw(pages: Pages, method: str, path: str, headers: Sequence[tuple[str, str | bytes]]) -> tuple[int, str]:
    """A request with exactly these headers, one as often as it is given."""
    connection = http.client.HTTPConnection(urlsplit(pages.url).netloc, timeout=30)
    connection.putrequest(method, path, skip_host=any(name.lower() == "host" for name, _ in headers))
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    told = answer.status, answer.read().decode()
    connection.close()
    return told


def test_a_role_is_what_somebody_may(desk: Desk, database_url: str, image: str, tmp_path: Path) -> None:
    """A reader is told whom to ask, a marker marks; and the trail says who has, and nothing of what."""
    with served(database_url, tmp_path, role=Role.READER) as pages:
        assert "mark-form" not in pages.get(f"/audits/1/photographs/{image}").text
        refused = pages.post(_mark(image), "word=wrong")
        assert (refused.status, refused.text) == (403, f"this takes the role marker, and anna is a reader: ask {WHOM}")
    with served(database_url, tmp_path, role=Role.OPERATOR, writing=False) as pages:
        assert pages.post(_mark(image), "word=wrong").status == 403
    with served(database_url, tmp_path, role=Role.MARKER) as pages:
        assert "mark-form" in pages.get(f"/audits/1/photographs/{image}").text
        assert pages.post(_mark(image), "word=wrong&comment=bl%C3%A5b%C3%A6r").status == 200
    [row] = trail(desk.engine, 10)
    assert (row.who, row.what, row.audit, row.kind, row.number) == ("anna", "mark", 1, "marks", 1)
    assert "blåbær" not in str(row)


def _proxy(trusted: str) -> Proxy:
    return Proxy(Admission(MEMBERS, WHOM), networks(trusted), "X-Forwarded-User", "X-Forwarded-Groups")


# What is sent, and what is answered.
SAID: list[tuple[list[tuple[str, str | bytes]], int, str]] = [
    ([("X-Forwarded-User", "bo")], 200, "you are <bdi>bo</bdi>"),
    ([("x-forwarded-user", "bo"), ("x-forwarded-groups", "choir, inspectors")], 200, "you are <bdi>bo</bdi>"),
    ([], 401, "X-Forwarded-User is missing"),
    ([("X-Forwarded-User", " ")], 401, "X-Forwarded-User is missing"),
    ([("X_Forwarded_User", "olga")], 401, "X-Forwarded-User is missing"),
    ([("X-Forwarded-User", "bo"), ("X-Forwarded-User", "olga")], 400, "was sent twice"),
    ([("X-Forwarded-User", "bo"), ("X-Forwarded-Groups", "a"), ("X-Forwarded-Groups", "b")], 400, "was sent twice"),
    ([("X-Forwarded-User", "bo,olga")], 403, "is no name of a person"),
    ([("X-Forwarded-User", "token/nightly")], 403, "is no name of a person"),
    ([("X-Forwarded-User", "group:inspectors")], 403, "is no name of a person"),
    ([("X-Forwarded-User", "olga"), ("Authorization", "Bearer x")], 401, "there is no such token"),
    ([("Authorization", "Basic YW5uYTpjb3JyZWN0LWhvcnNl")], 401, "X-Forwarded-User is missing"),
    ([("X-Forwarded-User", "bo"), ("X-Forwarded-For", "203.0.113.9")], 200, "you are <bdi>bo</bdi>"),
    ([("X-Forwarded-User", "müller".encode())], 200, "you are <bdi>müller</bdi>"),
    ([("X-Forwarded-User", "müller".encode("latin-1"))], 200, "you are <bdi>müller</bdi>"),
]


def test_a_proxy_says_who_asks(database_url: str, image: str, tmp_path: Path) -> None:
    """Once, in so many words: what could be read in two ways is not read at all. A group gives a role."""
    with served(database_url, tmp_path, door=_proxy("10.0.0.0/8, 127.0.0.1")) as pages:
        for headers, status, said in SAID:
            answer = _raw(pages, "GET", "/", headers)
            assert (answer[0], said in answer[1]) == (status, True), (headers, answer)
        for name, groups, status in (("bo", "choir", 403), ("bo", "inspectors", 200), ("olga", "", 200)):
            given = {"x-polelens-token": Forms(SECRET).token(name), "authorization": ""}
            given |= {"x-forwarded-user": name, "x-forwarded-groups": groups}
            assert pages.post(_mark(image), "word=wrong", **given).status == status
    some = Proxy(Admission(Members.of("anna", "", ""), WHOM), networks("::1, 127.0.0.1"), "Remote-User", "Groups")
    with served(database_url, tmp_path, door=some) as pages:
        answer = _raw(pages, "GET", "/", [("Remote-User", "bo")])
        assert answer == (403, f"bo is signed in and has no role here: ask {WHOM} for one")


def test_nobody_else_is_taken_for_the_proxy(database_url: str, image: str, tmp_path: Path) -> None:
    """Whatever they send: their own address, another's, a name, the password of another way to sign in."""
    sent = (
        [("X-Forwarded-User", "olga")],
        [("X-Forwarded-User", "olga"), ("X-Forwarded-For", "10.0.0.7"), ("X-Real-IP", "10.0.0.7")],
        [("X-Forwarded-User", "olga"), ("Forwarded", "for=10.0.0.7;by=10.0.0.7")],
        [("Authorization", "Basic YW5uYTpjb3JyZWN0LWhvcnNl")],
    )
    with served(database_url, tmp_path, door=_proxy("10.0.0.0/8")) as pages:
        for headers in sent:
            for path in ("/", "/audits.json", "/static/pages.js", "/nowhere"):
                assert _raw(pages, "GET", path, headers)[0] == 403
        assert _raw(pages, "GET", leaving.SIGNED_OUT, ())[0] == 200  # a page of nobody's


def test_there_is_no_way_around_the_gate(database_url: str, image: str, tmp_path: Path) -> None:
    """By a Host that looks like a page that everybody may see, or a path that is one in another spelling."""
    with served(database_url, tmp_path) as pages:
        for host in (f"x{leaving.SIGNED_OUT}?", f"x{leaving.SIGNED_OUT}#", f"{leaving.SIGNED_OUT}"):
            status, told = _raw(pages, "GET", "/audits.json", [("Host", host)])
            assert status in (400, 401), told
        for path in (f"{leaving.SIGNED_OUT}/../audits.json", f"{leaving.SIGNED_OUT}/audits.json", "//signed-out"):
            assert _raw(pages, "GET", path, ())[0] == 401
        assert _raw(pages, "POST", leaving.SIGNED_OUT, ())[0] == 401
        assert pages.post("/sign-out", "").status == 204  # nothing to forget


def test_nobody_is_sent_to_another_host(database_url: str, image: str, tmp_path: Path) -> None:
    """Whatever host a request names: a page has one spelling; and what is no host or no origin breaks nothing."""
    login = [("authorization", "Basic YW5uYTpjb3JyZWN0LWhvcnNl")]
    with served(database_url, tmp_path) as pages:
        for path in ("/audits/1/", "/audits.json/", "/static", "/v1/models/"):
            assert _raw(pages, "GET", path, [("Host", "elsewhere.example"), *login])[0] == 404
        for path, status in (("/", 200), ("/nowhere", 404), ("/audits/99", 404)):
            assert _raw(pages, "GET", path, [("Host", "["), *login])[0] == status
        for path in (_mark(image), "/v1/models/planted:explain"):
            assert pages.post(path, "word=wrong", origin="http://[").status == 403


def test_a_body_has_a_bound_that_its_page_says(
    database_url: str, image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """64 KiB, or what the module says of the path; without a length nothing is read."""
    long = "comment=" + "x" * 100_000
    with served(database_url, tmp_path) as pages:
        assert pages.post(_mark(image), long).status == 413
        login = [("authorization", "Basic YW5uYTpjb3JyZWN0LWhvcnNl"), ("x-polelens-token", Forms(SECRET).token("anna"))]
        chunked = ("transfer-encoding", "chunked")  # however short it says that it is, it is as long as it likes
        bad = (
            [chunked],
            [("content-length", "5"), chunked],
            [("content-length", "-1")],
            [("content-length", "9e9")],
            [],
        )
        for more in bad:
            assert _raw(pages, "POST", _mark(image), [*login, *more])[0] in (400, 413)
    monkeypatch.setattr(marks, "BODIES", {"/audits/{number}/photographs/{image}/mark": 200_000}, raising=False)
    with served(database_url, tmp_path) as pages:
        assert pages.post(_mark(image), long).status == 400  # it is read, and is too long for a comment
        assert pages.post(_mark(image), long + "x" * 100_000).status == 413


def test_a_program_signs_in_by_a_token(
    desk: Desk, database_url: str, image: str, commands: CommandsIn, tmp_path: Path
) -> None:
    """Which is shown once, kept as a hash, held by no form, and worth nothing once removed or expired."""
    cli = commands({"DATABASE_URL": database_url, "CELERY_BROKER_URL": "redis://127.0.0.1:1", "POLELENS_BLOBS": "x"})
    marker = cli("token", "add", "line-3", "--role", "marker").strip()
    reader = cli.json("token", "add", "nightly", "--role", "reader", "--days", "1")["token"]
    assert "there is a token nightly" in cli.refused("token", "add", "nightly", "--role", "operator")
    assert "name is 'a/b'" in cli.refused("token", "add", "a/b", "--role", "operator")
    with served(database_url, tmp_path) as pages:
        bearer = {"x-polelens-token": "", "origin": "", "sec-fetch-site": ""}
        assert pages.get("/audits.json", authorization=f"bearer {reader}").status == 200
        assert pages.post(_mark(image), "word=wrong", authorization=f"Bearer {reader}", **bearer).status == 403
        assert pages.post(_mark(image), "word=wrong", authorization=f"Bearer {marker}", **bearer).status == 200
        assert [said.mark.who for said in Marks(desk.engine).all(1)] == ["token/line-3"]
        wrong = ("x", reader[:-1], reader + "x", reader.upper(), "' OR true --", _kept(desk.engine, "nightly"))
        for given in wrong:
            refused = pages.get("/audits.json", authorization=f"Bearer {given}")
            assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        _run(desk.engine, "UPDATE token SET expires_at = now() WHERE name = 'nightly'")
        assert pages.get("/audits.json", authorization=f"Bearer {reader}").status == 401
        assert [one["expired"] for one in cli.json("token", "list")] == [False, True]
        cli("token", "remove", "line-3")
        assert pages.get("/audits.json", authorization=f"Bearer {marker}").status == 401
    assert "there is no token line-3" in cli.refused("token", "remove", "line-3")
    told = [(one["what"], one["kind"]) for one in cli.json("trail")]
    assert told == [("token remove", "tokens"), ("mark", "marks"), ("token add", "tokens"), ("token add", "tokens")]
    everything = (
        cli("token", "list")
        + cli("trail")
        + str(_run(desk.engine, "SELECT token::text, trail::text FROM token, trail"))
    )
    assert not any(given in everything for given in (reader, marker, reader.partition("_")[2]))


def _kept(engine: Engine, name: str) -> str:
    return str(_run(engine, "SELECT sha256 FROM token WHERE name = :name", {"name": name})[0][0])


def _run(engine: Engine, statement: str, values: Mapping[str, str] | None = None) -> Sequence[Sequence[object]]:
    with engine.begin() as c:
        found = c.execute(text(statement), values or {})
        return [tuple(row) for row in found] if found.returns_rows else []


def test_an_operator_s_login_starts_and_stops_and_no_more(desk: Desk, database_url: str) -> None:
    """Audits are planned, cancelled, resumed and called something; nothing is removed, answered or signed in for."""
    url = make_url(database_url)
    name, secret = f"operator_{url.database}", password()
    with psycopg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True) as c:
        c.execute(SQL.read_bytes())
        made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE polelens_operator")
        c.execute(made.format(sql.Identifier(name), secret))
    number = desk.audit("a.jpg")
    version = desk.model
    engine = create_engine(url.set(username=name, password=secret))
    audits = Audits(engine)
    audits.cancel(number)
    audits.resume(number)
    assert audits.get(number).state == "running"
    again = audits.start(version, audits.get(number).recipe, "a.jpg")
    assert audits.get(again).state == "running"
    for refused in ("DELETE FROM audit", "DELETE FROM trail", "UPDATE trail SET who = 'x'", "DELETE FROM model"):
        with pytest.raises(Exception, match="permission denied"):
            _run(engine, refused)
    for refused in ("UPDATE token SET role = 'operator'", "UPDATE attribution SET label = 'x'"):
        with pytest.raises(Exception, match="permission denied"):
            _run(engine, refused)
    with pytest.raises(Exception, match="permission denied"):
        Tokens(engine).add("mine", "operator", 1)
    engine.dispose()
