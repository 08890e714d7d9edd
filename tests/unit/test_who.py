"""Who may what: roles and their order, who is given one, bounds of what is sent, and settings that make sense."""

from collections.abc import Iterator
from itertools import combinations
from urllib.parse import urlsplit

import pytest
from fastapi.routing import APIRoute

from polelens.web.app import MODULES
from polelens.web.doors import NAME
from polelens.web.members import Members
from polelens.web.openid import OURS
from polelens.web.security import MOST_BYTES, PROGRAMS, SAFE, Bounds, Forms
from polelens.web.settings import WebSettings, web_settings
from polelens.web.who import Role
from storage.settings import SettingsError
from storage.tokens import NAME as NAME_OF_TOKEN

OPENID = {"sign_in": "openid", "url": "https://p", "openid_issuer": "https://i", "openid_client": "c"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Nothing is set."""
    for field in WebSettings.model_fields:
        monkeypatch.delenv(f"POLELENS_WEB_{field.upper()}", raising=False)
    return monkeypatch


def test_roles_are_in_order() -> None:
    """Reader, marker, operator: not in that of their letters."""
    for less, more in combinations((Role.READER, Role.MARKER, Role.OPERATOR), 2):
        assert less < more and less <= more and more > less and more >= less
        assert not (more < less or more <= less or less > more or less >= more)
    assert Role.MARKER <= Role.MARKER <= "operator"
    assert max(Role) is Role.OPERATOR


@pytest.mark.parametrize(
    ("name", "groups", "role"),
    [
        ("olga", [], Role.OPERATOR),
        ("bo", ["inspectors"], Role.MARKER),
        ("olga", ["inspectors"], Role.OPERATOR),
        ("bo", ["choir"], Role.READER),
        ("inspectors", [], Role.READER),
        ("group:inspectors", [], Role.MARKER),  # so that no name of a person may have a colon
        ("Olga", [], Role.READER),
    ],
)
def test_somebody_has_the_greatest_role_that_they_are_given(name: str, groups: list[str], role: Role) -> None:
    """By their name, a group, or as everybody; case counts, as names of others may differ by it."""
    assert Members.of("*", "group:inspectors, carl", "olga").role(name, groups) == role


def test_nobody_has_a_role_unasked() -> None:
    """A list that is empty, or has commas alone, is nobody; and only groups that matter are kept."""
    some = Members.of("", " , ", "group:a")
    assert some.role("", [""]) is some.role("bo", ["b", "*", "group:a"]) is None
    assert not Members.of("", " ,", "")
    assert some.named(["b", "a"]) == ["a"]


def test_no_person_is_called_as_a_token_or_a_group() -> None:
    """Names of tokens begin with `token/`, those of groups with `group:`; and `*` is everybody."""
    assert [
        name for name in ("token/a", "group:a", "*", "a,b", "", " a", "a\nb", "x" * 101) if NAME.fullmatch(name)
    ] == []
    assert all(NAME.fullmatch(name) for name in ("anna", "o'brien@example.com", "auth0|1", "Åsa", "a_b-c+d"))
    assert not NAME_OF_TOKEN.fullmatch("a/b")


def test_a_module_says_what_its_paths_may_be_sent() -> None:
    """Everything else is a form; a name in a path is a part of it and no more."""
    bounds = Bounds({"/models": 7, "/v1/models/{name}:predict": 8})
    paths = ("/models", "/v1/models/poles:predict", "/v1/models/a/b:predict", "/models/", "/models/x", "/")
    assert [bounds.of(path) for path in paths] == [7, 8, *4 * [MOST_BYTES]]


def test_whatever_changes_something_needs_a_role() -> None:
    """Every route that is not only read asks for one, whoever writes the next; the endpoint's ask who it is.

    What programs ask may be known, and is then anybody's to read: they are refused where it is not.
    """
    routes = [route for module in MODULES for route in module.router.routes if isinstance(route, APIRoute)]
    changing = [route for route in routes if route.methods - set(SAFE)]
    assert {"/sign-out", "/audits/{number}/photographs/{image}/mark"} <= {route.path for route in changing}
    for route in changing:
        asked = [one.call.__qualname__ for one in route.dependant.dependencies if one.call]
        enough = {"needs.<locals>.allowed"} | ({"person"} if route.path.startswith(PROGRAMS) else set())
        assert enough & set(asked), route.path


def test_who_signs_in_is_sent_to_our_own_pages() -> None:
    """Not to what a browser takes for another's address."""
    for path in ("https://x", "//x", "/\\x", "/a\\b", "javascript:x", "/ a", "/a\tb", ""):
        assert not OURS.fullmatch(path)
    assert OURS.fullmatch("/audits/1/photographs?basis=background&name=%20")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"sign_in": "ldap"}, "POLELENS_WEB_SIGN_IN is 'ldap'"),
        ({"sign_in": "proxy"}, "POLELENS_WEB_SIGN_IN is 'proxy', which needs POLELENS_WEB_PROXIES"),
        ({"sign_in": "proxy", "proxies": "10.0.0.1"}, "nobody would have a role"),
        ({"sign_in": "proxy", "proxies": "proxy.example"}, "POLELENS_WEB_PROXIES is 'proxy.example'"),
        ({"sign_in": "proxy", "proxies": "10.0.0.1/8"}, "has host bits set"),
        (OPENID, "which needs POLELENS_WEB_OPENID_SECRET"),
        (OPENID | {"openid_issuer": "http://i"}, "expected https://host, or http:// to localhost"),
        ({"url": "http://poles.example"}, "expected https://host, or http:// to localhost"),
        ({"secret": "too-short-to-keep"}, "POLELENS_WEB_SECRET: expected at least 32 characters"),
        ({"login": "only-a-password"}, "POLELENS_WEB_LOGIN: expected name:password"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(
    environment: pytest.MonkeyPatch, given: dict[str, str], told: str
) -> None:
    """When the pages are started, by the variable's name, and without the words of a secret."""
    for name, value in given.items():
        environment.setenv(f"POLELENS_WEB_{name.upper()}", value)
    with pytest.raises(SettingsError) as error:
        web_settings()
    assert told in str(error.value)
    assert "too-short" not in str(error.value)
    assert "only-a" not in str(error.value)


def test_forms_come_from_the_host_that_people_open() -> None:
    """However it is written in the settings, and whatever a proxy calls the pages."""
    for url, host in (("https://Poles.example:443/x", "poles.example"), ("http://localhost:8765", "localhost:8765")):
        forms = Forms("secret", WebSettings.model_validate({"url": url}).host)
        sent = {"origin": f"{urlsplit(url).scheme}://{host}", "host": "10.0.0.3:8765", "sec-fetch-site": "same-origin"}
        assert forms.came_from_us("anna", sent | {"x-polelens-token": forms.token("anna")})
        assert not forms.came_from_us("anna", sent | {"x-polelens-token": forms.token("bo")})
        assert not Forms("secret").came_from_us("anna", sent | {"x-polelens-token": forms.token("anna")})
    assert WebSettings().host == ""


def test_a_password_signs_no_cookie() -> None:
    """It may be short, and whoever has a cookie could guess it from what it has signed."""
    known = {"login": "anna:pw", "url": "https://x", "readers": "*"}
    made = {way: WebSettings.model_validate({"sign_in": way, **known}) for way in ("password", "proxy", "openid")}
    assert made["password"].signing("pw") == "pw"
    for way in ("proxy", "openid"):
        assert len(made[way].signing("pw")) >= 32
        assert made[way].signing("pw") != made[way].signing("pw")
        assert made[way].model_copy(update={"secret": "s" * 32}).signing("pw") == "s" * 32


def test_settings_show_no_secret(environment: pytest.MonkeyPatch) -> None:
    """Whoever logs them finds none."""
    for name in ("secret", "openid_secret", "login"):
        environment.setenv(f"POLELENS_WEB_{name.upper()}", "name:" + "s3cret" * 6)
    assert "s3cret" not in repr(web_settings())
