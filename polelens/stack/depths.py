"""How many messages wait in each queue."""

import redis

from tasks.queues import QUEUES

UNACKNOWLEDGED = "unacked"  # kombu's own hash of messages that a worker holds


def depths(broker_url: str) -> dict[str, int]:
    """Messages in each queue, and under `unacked` those that workers hold, as far as this user may see them.

    Raises redis.RedisError or ValueError.
    """
    with redis.Redis.from_url(broker_url, socket_connect_timeout=5, socket_timeout=5) as client:
        waiting = client.pipeline(transaction=False)
        for queue in QUEUES:
            waiting.llen(queue)
        waiting.hlen(UNACKNOWLEDGED)
        answers = dict(zip((*QUEUES, UNACKNOWLEDGED), waiting.execute(raise_on_error=False), strict=True))
    seen = {name: one for name, one in answers.items() if not isinstance(one, redis.exceptions.NoPermissionError)}
    for one in seen.values():
        if isinstance(one, Exception):
            raise one
    return seen
