"""Asking: what the ledger does not know is asked of the workers, by the queues for people who wait."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Engine, text
from starlette.concurrency import run_in_threadpool

from polelens.web.desk import Desk
from polelens.web.endpoint.limits import LATER, MOST_JOBS, busy
from polelens.web.endpoint.looking import Look, look
from polelens.web.endpoint.problems import Problem
from polelens.web.who import Person, Role
from storage import statements as sql
from storage.archive import Archive, Photograph
from storage.jobs import Asker, Job, Jobs, Missing, Question
from storage.ledger import Ledger, Step
from storage.settings import settings
from tasks.messages import publish

NAP_SECONDS, LONGEST_NAP_SECONDS = 0.1, 1.0

_messengers = ThreadPoolExecutor(4, "publish")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asking:
    """One who asks, at a desk."""

    desk: Desk
    person: Person

    def enter(self, photograph: Photograph) -> None:
        """Put a photograph into the archive. Raises Unreadable, and Problem for who may not."""
        self._refuse_readers("a photograph is not in the archive")
        if Archive(self.desk.writes, self.desk.blobs).add(photograph):
            self.desk.note(self.person, "images add", "photographs")

    def open(self, question: Question, missing: Missing) -> int:
        """Have workers answer what is missing; the job's number. Raises Problem for who may not, or too many wait."""
        self._refuse_readers(f"{len(missing.images)} photographs are not answered yet")
        jobs = Jobs(self.desk.writes)
        if jobs.going_on() >= MOST_JOBS:
            raise busy(f"{MOST_JOBS} jobs wait for the workers already", LATER)
        number, audit = jobs.open(question, missing, Asker(self.person.name, settings().endpoint_keep_days))
        self.desk.note(self.person, f"endpoint {question.verb}", "audits", audit=audit)
        hand_out(self.desk, audit)
        return number

    def _refuse_readers(self, what: str) -> None:
        if self.person.role < Role.OPERATOR:
            whom = self.desk.whom
            detail = f"{what}, and to ask the model takes the role operator; {self.person.name} is a {self.person.role}"
            raise Problem(403, detail, f"ask {whom} for that role, or ask for what is explained already")


def hand_out(desk: Desk, audit: int) -> None:
    """Claim what an audit has planned, and have it published; nobody waits for Redis, which may be slow to fail."""
    here = settings()
    steps = Ledger(desk.writes, here.lease_seconds, here.attempts).claim(audit)
    _messengers.submit(_publish, desk.writes, audit, steps)


def _publish(engine: Engine, audit: int, steps: Sequence[Step]) -> None:
    """What Redis does not take now the next sweep hands out."""
    try:
        publish(steps)
    except Exception as error:  # Redis, the network: none of it undoes what is in the ledger
        logger.warning("Redis takes no messages now, and a sweep will hand out audit %d: %s", audit, error)
        with engine.begin() as c:
            c.execute(text(sql.LAPSE), {"audits": [audit]})


def progress(desk: Desk, number: int) -> tuple[Job, Look] | None:
    """A job and what is known of it; where its audit has ended and more is to be asked, that is begun."""
    job = Jobs(desk.engine).get(number)
    if job is None:
        return None
    with desk.engine.begin() as c:
        found = look(c, job.question, again=False)
    if found.missing and job.audit_state == "done" and desk.writing is not None:
        audit = Jobs(desk.writes).go_on(job, found.missing, settings().endpoint_keep_days)
        if audit is not None:
            hand_out(desk, audit)
    return job, found


async def wait(desk: Desk, number: int, seconds: float) -> tuple[Job, Look] | None:
    """The same once it has ended, or after so many seconds."""
    loop = asyncio.get_running_loop()
    until, nap = loop.time() + seconds, NAP_SECONDS
    while True:
        found = await run_in_threadpool(progress, desk, number)
        left = until - loop.time()
        if found is None or ended(*found) or left <= 0:
            return found
        await asyncio.sleep(min(nap, left))
        nap = min(1.5 * nap, LONGEST_NAP_SECONDS)


def ended(job: Job, found: Look) -> bool:
    """Whether nothing more will come of a job."""
    return found.missing is None or job.audit_state == "cancelled"
