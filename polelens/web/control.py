"""Control: what the pages ask workers for, and the command that needs what the pages' own process does not load."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import quote

from celery import Celery

from storage.settings import Settings

PLAN_SECONDS = 120.0  # a model's warm-up takes some seconds, where nobody has measured it
PLANS = 2  # at once: each is a process that may ask the model

logger = logging.getLogger(__name__)


class Busy(Exception):
    """Others wait for the same; the message says for what."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What `polelens audit plan` says."""

    plan: Mapping[str, Any]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Control:
    """How the pages reach workers, and run a command of ours over the same services."""

    settings: Settings
    _plans: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(PLANS))

    def ask(self, task: str, *ids: int) -> bool:
        """Ask for a control task now; whether Redis took it. The ledger has the work: beat asks again."""
        try:
            with Celery("polelens-pages", broker=self.settings.broker_url, set_as_current=False) as app:
                app.conf.broker_transport_options = {"socket_connect_timeout": 5, "socket_timeout": 5}
                app.send_task(task, args=ids, queue="control", expires=60, retry=False, ignore_result=True)
        except Exception as error:  # Redis, the network: none of it undoes what is in the ledger
            logger.warning("Redis takes no messages now: %s", error)
            return False
        return True

    def flower(self, audit: int) -> str:
        """Where Flower lists what the model was asked for an audit; nothing where there is no Flower."""
        asked = f'infer args:"audit={audit} part"'  # Flower's page puts `name:` before it
        return f"{self.settings.flower_url.rstrip('/')}/tasks?name={quote(asked)}" if self.settings.flower_url else ""

    def plan(self, words: Sequence[str]) -> Planned:
        """Have `polelens audit plan` say what an audit would come to, in a process that may ask the model.

        Raises ValueError as the command refuses, and Busy.
        """
        if not self._plans.acquire(blocking=False):
            raise Busy("others have their audits planned: try again in a few seconds")
        try:
            done = subprocess.run(
                [sys.executable, "-m", "polelens", "audit", "plan", "--json", *words],
                env=os.environ | self._environment,
                capture_output=True,
                text=True,
                timeout=PLAN_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ValueError(f"planning took more than {PLAN_SECONDS:g} seconds: ask `polelens audit plan`") from None
        finally:
            self._plans.release()
        notes = [line for line in done.stderr.splitlines() if line.strip()]
        if done.returncode:
            raise ValueError((notes or ["it could not be planned"])[-1].removeprefix("Error: "))
        return Planned(json.loads(done.stdout), notes)

    @property
    def _environment(self) -> dict[str, str]:
        here = self.settings
        services = {"DATABASE_URL": here.database_url, "CELERY_BROKER_URL": here.broker_url}
        return services | {"POLELENS_BLOBS": here.blobs, "POLELENS_HOME": str(here.home)}
