"""What the doctor sees of audits that do not move: work that nobody serves, nobody hands out, or nobody takes."""

from collections.abc import Collection, Iterator, Mapping

import redis
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from polelens.stack.finding import Finding, judged
from storage import monitoring
from storage.notices import Notices
from storage.settings import Settings
from tasks.depths import UNACKNOWLEDGED, client, depths
from tasks.queues import NOW, STEPS

UNHEARD = 600.0  # seconds: four tries at telling the webhook have come to nothing
SWEEPS = 4  # so many may be late before nobody sweeps
CONTROL = "control"
QUEUES_OF = {step: (step + NOW, step) for step in STEPS} | {CONTROL: (CONTROL,)}


def motion(settings: Settings, engine: Engine, workers: Mapping[str, Collection[str]]) -> Iterator[Finding]:
    """Look at what is under way, with the workers that answered and the queues that each serves.

    Where Postgres or Redis does not answer, or there are no workers, others' findings have said it.
    """
    try:
        with client(settings.broker_url) as asked:
            messages = depths(asked)
        reading = monitoring.read(engine)
        if workers:
            yield from _audits(settings, reading, messages, {queue for one in workers.values() for queue in one})
        yield from _webhook(settings, engine)
    except (SQLAlchemyError, redis.RedisError, ValueError):
        return


def _audits(
    settings: Settings, reading: monitoring.Reading, messages: Mapping[str, int], served: Collection[str]
) -> Iterator[Finding]:
    found = [
        *_unserved(reading, messages, served),
        *_unswept(settings, reading.overdue_seconds, served),
        *_untaken(settings, reading, messages, served),
    ]
    running = reading.audits.get("running", 0)
    under_way = sum(one.photographs for one in reading.backlog)
    seen = f"{running} running, {under_way} photographs under way, {reading.planned} to come"
    yield from found or [Finding("audits", True, seen)]


def _unserved(reading: monitoring.Reading, messages: Mapping[str, int], served: Collection[str]) -> Iterator[Finding]:
    """Queues with work to be done that no worker takes from."""
    work = {one.step: one.tasks for one in reading.backlog} | {CONTROL: reading.audits.get("running", 0)}
    for step, queues in QUEUES_OF.items():
        missing = [queue for queue in queues if queue not in served]
        waiting = sum(messages.get(queue, 0) for queue in missing)
        if missing and (waiting or (work[step] and step in missing)):
            seen = f"nobody serves {', '.join(missing)}, where {waiting} messages wait"
            remedy = f"start a worker: `polelens up`, or `celery -A tasks worker -Q {','.join(queues)}`"
            yield Finding("queues", False, seen, remedy)


def _unswept(settings: Settings, seconds: float, served: Collection[str]) -> Iterator[Finding]:
    """What came to nothing is handed out again by the sweeper, for which beat asks."""
    if CONTROL in served and seconds > max(60, SWEEPS * settings.sweep_seconds):
        seen = f"a photograph has been due to be handed out again for {seconds:.0f} s, and nobody does"
        yield Finding("beat", False, seen, "start it: `celery -A tasks beat`; its log says what it cannot send")


def _untaken(
    settings: Settings, reading: monitoring.Reading, messages: Mapping[str, int], served: Collection[str]
) -> Iterator[Finding]:
    """Messages wait for longer than a lease, and of those who serve their queue nobody holds any."""
    if messages.get(UNACKNOWLEDGED, 1):
        return
    for one in reading.backlog:
        waiting = sum(messages.get(queue, 0) for queue in QUEUES_OF[one.step] if queue in served)
        if waiting and one.oldest_seconds > settings.lease_seconds:
            seen = f"{waiting} messages wait, a photograph for {one.oldest_seconds:.0f} s, and no worker holds any"
            remedy = "its workers are stuck: look into their logs, end them, and start them again"
            yield Finding(one.step, False, seen, remedy)


def _webhook(settings: Settings, engine: Engine) -> Iterator[Finding]:
    if settings.webhook_url:
        number, seconds = Notices(engine).unheard()
        remedy = "the log of who serves `control` says what came back; POLELENS_WEBHOOK_URL must be set for it too"
        seen = f"{number} ends of audits are unheard, the first for {seconds:.0f} s" if number else "has heard all"
        yield judged("webhook", seconds <= UNHEARD, seen, remedy)
