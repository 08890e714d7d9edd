"""How deep the queues are is asked at the address that the workers have."""

import pytest
from kombu import Connection

from tasks.depths import client


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("redis://:p%40@host:6379/1", {"host": "host", "port": 6379, "db": 1, "password": "p@"}),
        ("REDIS://host:6379/0", {"host": "host", "port": 6379, "db": 0}),
        ("redis+socket:///run/redis.sock", {"path": "/run/redis.sock"}),
        ("redis+socket:///run/redis.sock?virtual_host=3", {"path": "/run/redis.sock", "db": 3}),
        ("rediss://host:6379/0?ssl_cert_reqs=CERT_REQUIRED", {"host": "host", "ssl_cert_reqs": "required"}),
        ("redis://one:6379/0;redis://two:6379/0", {"host": "one", "port": 6379, "db": 0}),
    ],
)
def test_what_kombu_takes_is_taken(url: str, found: dict[str, object]) -> None:
    """So that the watchdog, the doctor and the metrics look where the workers do."""
    assert Connection(url).transport_cls in ("redis", "rediss")
    pool = client(url).connection_pool
    assert pool.connection_kwargs.items() >= found.items()
    pool.make_connection()  # which reads what from_url has only kept


@pytest.mark.parametrize("url", ["amqp://host", "host:6379", "sentinel://host:26379"])
def test_what_is_none_of_redis_is_refused(url: str) -> None:
    """By redis-py's own sentence."""
    with pytest.raises(ValueError, match="Redis URL"):
        client(url)
