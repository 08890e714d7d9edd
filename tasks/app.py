"""The Celery application and all of its settings."""

import os
from typing import Any

from celery import Celery
from kombu.entity import Exchange, Queue
from kombu.transport import TRANSPORT_ALIASES

from storage.settings import Settings, settings
from tasks.queues import QUEUES

RESTORE_SECONDS = 30  # between two looks for messages that nobody has acknowledged in time
SILENCE_SECONDS = 10  # of Redis
TASKS = ("produce", "prepare", "infer", "reduce", "sweep", "notify", "schedule", "compare", "gc")

# For this process, and before it makes any connection. It must go by the addresses' own names: kombu sets up TLS, and
# reads what Flower and failover need, by them.
TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "tasks.broker:Transport"))

app = Celery("tasks", include=[f"tasks.{name}" for name in TASKS])
app.conf.update(
    # Postgres remembers; there is no result backend to disagree with it.
    result_backend=None,
    task_ignore_result=True,
    # A message carries ids only, as JSON.
    task_serializer="json",
    event_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    task_queues=[Queue(name, Exchange(name), routing_key=name) for name in QUEUES],
    task_default_queue="control",
    task_create_missing_queues=False,
    # At least once: a message is acknowledged when its work is in the ledger, and doing it twice is harmless.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_acks_on_failure_or_timeout=True,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_soft_shutdown_timeout=60,
    task_soft_time_limit=540,
    task_time_limit=600,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    worker_send_task_events=True,  # Flower
    worker_hijack_root_logger=False,
    enable_utc=True,
    beat_scheduler="tasks.health:Scheduler",
    beat_max_loop_interval=10,
)
app.steps["worker"].add("tasks.health:Watch")


@app.on_configure.connect
def _configure(sender: Celery, **_: object) -> None:
    """Read the environment when the application is first used, so that importing it needs no settings."""
    here = settings()
    sender.conf.update(
        broker_url=here.broker_url,
        broker_transport_options={
            "queue_order_strategy": "tasks.queues:NowFirst",
            "visibility_timeout": here.visibility_seconds,
            # Half a minute apart at most, and a few times within the timeout where that is short. Who dies while it
            # looks keeps the others from looking for as long as they let it: kombu's default is five minutes.
            "unacked_restore_interval": min(RESTORE_SECONDS, here.visibility_seconds / 6),
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": RESTORE_SECONDS,
            # Redis answers within milliseconds, or within the second that a worker asks it to wait for a message. A
            # line on which it has said nothing for so long is dead, though nobody has closed it, and a worker takes
            # another within 2 * 10 + 1 seconds. Should Redis live and only think for so long, some work is done twice.
            "health_check_interval": SILENCE_SECONDS,
            "socket_timeout": SILENCE_SECONDS,
            "socket_keepalive": True,
            "socket_connect_timeout": 5,
        },
        # Any number of beats is harmless: each tick looks into the ledger and does what is due.
        beat_schedule=_schedule(here),
        beat_schedule_filename=os.environ.get("POLELENS_BEAT_SCHEDULE", "celerybeat-schedule"),
    )


def _schedule(here: Settings) -> dict[str, dict[str, Any]]:
    """What beat asks for, and how often; of garbage the first part, which asks for the next."""
    every = {
        "produce": here.produce_seconds,
        "sweep": here.sweep_seconds,
        "schedule": here.schedule_seconds,
        "gc": here.gc_seconds,
    }
    options = {"expires": 60}
    asked = {
        name: {"task": name, "schedule": seconds, "options": options} for name, seconds in every.items() if seconds
    }
    return asked | ({"gc": asked["gc"] | {"args": [0]}} if "gc" in asked else {})
