"""What becomes of a message when Redis cannot be told what became of it."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from celery import Celery
from kombu.message import Message

from tasks.app import app
from tasks.queues import QUEUES
from tests.chaos.fronts import front

IMPATIENT = {"socket_timeout": 0.2}
Settle = Callable[[Message], None]


@pytest.mark.parametrize("settle", [Message.ack, Message.reject, Message.requeue])
def test_a_worker_whose_acknowledgement_got_lost_takes_the_next_message(broker_url: str, settle: Settle) -> None:
    """It may hold one, Redis does not hear that it is done with it, and the line works again."""
    taken: list[Message] = []
    between = front(urlsplit(broker_url).port or 0)
    with between as line, Celery(broker=line.before(broker_url), set_as_current=False) as theirs:
        theirs.conf.update(broker_transport_options=IMPATIENT, task_queues=app.conf.task_queues)
        for _ in range(2):
            theirs.send_task("sweep", queue=QUEUES[-1])
        with theirs.connection_for_read() as c, theirs.amqp.TaskConsumer(c) as consumer:
            consumer.qos(prefetch_count=1)
            consumer.on_message = taken.append
            c.drain_events(timeout=10)
            line.mode = "swallow"
            with pytest.raises(c.connection_errors):
                settle(taken[0])
            line.mode = "forward"
            c.drain_events(timeout=10)
    assert len(taken) == 2
