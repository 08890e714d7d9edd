"""Redis as kombu speaks to it, but for one thing: a message whose acknowledgement got lost is let go of."""

from kombu.transport import redis, virtual


class QoS(redis.QoS):
    """What a worker holds.

    kombu 5.7 counts a message as held until Redis has heard that it is done with, and Celery logs `Couldn't ack` and
    goes on: a worker that may hold one message would never take another. Redis hands it out again by itself.
    """

    def ack(self, delivery_tag: str) -> None:
        """Say that it is done, and let go of it."""
        try:
            super().ack(delivery_tag)
        finally:
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Say that it is not wanted, and let go of it."""
        try:
            super().reject(delivery_tag, requeue)
        finally:
            virtual.QoS.ack(self, delivery_tag)


class Channel(redis.Channel):
    """A channel that knows what it holds."""

    QoS = QoS


class Transport(redis.Transport):
    """What redis:// and rediss:// mean to the application, see `tasks.app`."""

    Channel = Channel
