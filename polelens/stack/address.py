"""Addresses on this machine: a free port and a password of one's own for each service."""

import secrets
import socket
from urllib.parse import urlsplit

from sqlalchemy import make_url

HOST = "127.0.0.1"  # reachable from this machine only, whatever else is done


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def taken(url: str) -> bool:
    """Whether something listens where the URL points."""
    with socket.socket() as client:
        client.settimeout(1.0)
        return client.connect_ex((HOST, urlsplit(url).port or 0)) == 0


def password() -> str:
    """A password that needs no quoting in a URL or a configuration file."""
    return secrets.token_hex(16)


def new_postgres_url(secret: str | None = None) -> str:
    """A SQLAlchemy URL for the local Postgres, on a free port; a data folder keeps the password it was made with."""
    return f"postgresql+psycopg://postgres:{secret or password()}@{HOST}:{free_port()}/polelens"


def new_redis_url() -> str:
    """A URL for the local Redis, on a free port."""
    return f"redis://:{password()}@{HOST}:{free_port()}/0"


def libpq(address: str) -> dict[str, str]:
    """The variables by which pg_dump, psql and the like find a database."""
    url = make_url(address)
    found = {
        "HOST": url.host,
        "PORT": url.port,
        "USER": url.username,
        "PASSWORD": url.password,
        "DATABASE": url.database,
    }
    return {f"PG{name}": str(value) for name, value in found.items()}
