"""How many messages wait in each queue."""

from collections.abc import Sequence

import redis

from tasks.queues import QUEUES

UNACKNOWLEDGED = "unacked"  # kombu's own hash of messages that a worker holds


def client(broker_url: str, seconds: float = 5) -> redis.Redis:
    """A client that gives up after so many seconds. Raises ValueError for an address that is none of Redis."""
    return redis.Redis.from_url(broker_url, socket_connect_timeout=seconds, socket_timeout=seconds)


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
