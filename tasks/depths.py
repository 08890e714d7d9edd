"""How many messages wait in each queue."""

import re
from collections.abc import Sequence

import redis

from tasks.queues import QUEUES

SOCKETS = ("redis+socket",)
CERTIFICATES = re.compile(r"(?<=ssl_cert_reqs=)CERT_(?P<word>NONE|OPTIONAL|REQUIRED)")
UNACKNOWLEDGED = "unacked"  # kombu's own hash of messages that a worker holds


def client(broker_url: str, seconds: float = 5) -> redis.Redis:
    """A client that gives up after so many seconds. Raises ValueError for an address that is none of Redis."""
    return redis.Redis.from_url(address(broker_url), socket_connect_timeout=seconds, socket_timeout=seconds)


def address(broker_url: str) -> str:
    """A broker's address, as kombu takes it, in the words of redis-py: of several the first.

    Examples
    --------
    >>> address("redis+socket:///run/redis.sock?virtual_host=2")
    'unix:///run/redis.sock?db=2'
    >>> address("rediss://host:6379/0?ssl_cert_reqs=CERT_REQUIRED")
    'rediss://host:6379/0?ssl_cert_reqs=required'
    """
    scheme, separator, rest = broker_url.partition(";")[0].partition("://")
    place, question, query = rest.partition("?")
    if scheme.lower() in SOCKETS:
        return f"unix://{place}{question}{query.replace('virtual_host=', 'db=')}"
    query = CERTIFICATES.sub(lambda found: found["word"].lower(), query)
    return f"{scheme.lower()}{separator}{place}{question}{query}"


def depths(asked: redis.Redis, queues: Sequence[str] = QUEUES) -> dict[str, int]:
    """Messages in each queue, and under `unacked` those that workers hold, as far as this user may see them.

    Raises redis.RedisError.
    """
    waiting = asked.pipeline(transaction=False)
    for queue in queues:
        waiting.llen(queue)
    waiting.hlen(UNACKNOWLEDGED)
    answers = dict(zip((*queues, UNACKNOWLEDGED), waiting.execute(raise_on_error=False), strict=True))
    seen = {name: one for name, one in answers.items() if not isinstance(one, redis.exceptions.NoPermissionError)}
    for one in seen.values():
        if isinstance(one, Exception):
            raise one
    return seen
