"""How many messages wait in each queue."""

import redis

from tasks.queues import QUEUES

UNACKNOWLEDGED = "unacked"  # kombu's own hash of messages that a worker holds


def depths(broker_url: str) -> dict[str, int]:
    """Messages in each queue, and under `unacked` those that workers hold. Raises redis.RedisError or ValueError."""
    with redis.Redis.from_url(broker_url, socket_connect_timeout=5, socket_timeout=5) as client:
        waiting = client.pipeline(transaction=False)
        for queue in QUEUES:
            waiting.llen(queue)
        waiting.hlen(UNACKNOWLEDGED)
        return dict(zip((*QUEUES, UNACKNOWLEDGED), waiting.execute(), strict=True))
