"""The settings of the pages: how people sign in, and who has which role."""

import secrets
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from polelens.web.members import Members
from polelens.web.proxy import networks
from storage.settings import HERE, SettingsError, read

SECRET_CHARACTERS = 32
NEEDED = {  # by each way to sign in
    "password": (),
    "proxy": ("proxies",),
    "openid": ("url", "openid_issuer", "openid_client", "openid_secret"),
}


class WebSettings(BaseSettings):
    """Every setting of `polelens serve`; who reads them finds no secret in their `repr`."""

    model_config = SettingsConfigDict(env_prefix="polelens_web_", frozen=True, extra="ignore", env_ignore_empty=True)

    sign_in: Literal["password", "proxy", "openid"] = Field(default="password", description="how people sign in")
    login: str = Field(default="", repr=False, description="name:password of the pages; empty: one is made")
    url: str = Field(default="", description="what people open: https://host, or http:// on this machine")
    secret: str = Field(default="", repr=False, description="signs cookies and forms; empty: one is made")
    whom: str = Field(default="whoever runs these pages", description="who gives people roles, in words")
    readers: str = Field(default="", description="names, group:NAME or *, comma-separated: who may look")
    markers: str = Field(default="", description="the same: who may also mark")
    operators: str = Field(default="", description="the same: who may also start and cancel")
    proxies: str = Field(default="", description="addresses or networks of the proxy that signs people in")
    name_header: str = Field(default="X-Forwarded-User", description="where it says who asks")
    groups_header: str = Field(default="X-Forwarded-Groups", description="where it says of which groups")
    openid_issuer: str = Field(default="", description="the provider, as its configuration calls itself")
    openid_client: str = Field(default="", description="what the provider calls these pages")
    openid_secret: str = Field(default="", repr=False, description="what these pages show the provider")
    openid_name: str = Field(default="email", description="the claim that is a person's name")
    openid_groups: str = Field(default="groups", description="the claim that has their groups")

    @field_validator("url", "openid_issuer")
    @classmethod
    def _private(cls, value: str) -> str:
        """Who signs in is read by nobody on the way."""
        url = urlsplit(value)
        safe = url.scheme == "https" or (url.scheme == "http" and url.hostname in HERE)
        if value and not (url.hostname and safe and not url.query and not url.username):
            raise ValueError("expected https://host, or http:// to localhost")
        return value.rstrip("/")

    @field_validator("login")
    @classmethod
    def _with_password(cls, value: str) -> str:
        if value and not value.partition(":")[2]:
            raise ValueError("expected name:password")
        return value

    @field_validator("secret")
    @classmethod
    def _long(cls, value: str) -> str:
        if value and len(value) < SECRET_CHARACTERS:
            raise ValueError(f"expected at least {SECRET_CHARACTERS} characters")
        return value

    @field_validator("proxies")
    @classmethod
    def _addresses(cls, value: str) -> str:
        networks(value)
        return value

    @property
    def members(self) -> Members:
        """Who has which role."""
        return Members.of(self.readers, self.markers, self.operators)

    @property
    def host(self) -> str:
        """That of `url` as browsers write it in Origin: in small letters, without the scheme's own port."""
        url = urlsplit(self.url)
        return url.netloc.lower().removesuffix(":443" if url.scheme == "https" else ":80")

    @property
    def password(self) -> str:
        """That of `login`; empty where there is none."""
        return self.login.partition(":")[2]

    def signing(self, password: str) -> str:
        """What signs cookies and forms; one that ends with this process where none is set.

        A password may be short enough to be guessed from what it has signed: it signs forms of those who know it alone.
        """
        return self.secret or (password if self.sign_in == "password" else secrets.token_urlsafe(SECRET_CHARACTERS))


def web_settings() -> WebSettings:
    """The settings of the pages. Raises SettingsError naming the variable that is missing or wrong."""
    found = read(WebSettings)
    missing = [name for name in NEEDED[found.sign_in] if not getattr(found, name)]
    if missing:
        names = ", ".join(f"POLELENS_WEB_{name.upper()}" for name in missing)
        raise SettingsError(f"POLELENS_WEB_SIGN_IN is {found.sign_in!r}, which needs {names}")
    if found.sign_in != "password" and not found.members:
        raise SettingsError("nobody would have a role: set POLELENS_WEB_READERS, _MARKERS or _OPERATORS")
    return found
