"""Logs: a line for each task that is done, and short; where POLELENS_LOGS is json, an object with what it is about."""

import json
import logging
from dataclasses import dataclass
from typing import Any, Self

from celery import current_task
from celery.signals import after_setup_logger, after_setup_task_logger
from pythonjsonlogger.json import JsonFormatter

from storage.settings import settings
from tasks.messages import logged
from tasks.rotation import Rotation

FIELDS = {"asctime": "time", "levelname": "level", "name": "logger"}
SECONDS = "%Y-%m-%d %H:%M:%S"
DONE, RECEIVED = "celery.app.trace", "celery.worker.strategy"  # Celery's loggers of tasks
ARGUMENTS = ("explanation", "round", "part")  # of a step's message


@dataclass(frozen=True, slots=True)
class Done:
    """A task that is done: which, the ids of its message, and how long it took.

    A photograph takes several, so that whatever their lines have is there a million times after an archive.
    """

    task: str
    ids: tuple[int, ...]
    seconds: float

    @classmethod
    def of(cls, record: logging.LogRecord) -> Self | None:
        """What a record of Celery's says of a task that is done; None if it says something else."""
        told = record.args
        if record.name != DONE or not isinstance(told, dict) or "runtime" not in told:
            return None
        ids = (current_task.request.args if current_task else None) or ()
        return cls(str(told["name"]), tuple(ids), round(float(str(told["runtime"])), 2))


class Line(JsonFormatter):
    """A record as JSON: time, level, logger and message; within a task its name, id, ids and words for people.

    A task that is done: `{"time":"2026-11-27 22:59:53","task":"infer","ids":[12,1,3],"s":1.35}`.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=FIELDS)

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        if not (done := Done.of(record)):
            return str(super().format(record))
        told = {"time": self.formatTime(record, SECONDS), "task": done.task, "ids": done.ids, "s": done.seconds}
        return json.dumps(told, separators=(",", ":"))

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """What every line has, and what a task's has beside."""
        super().add_fields(log_data, record, message_dict)
        log_data.pop("data", None)  # Celery's own, with the message once more
        if current_task and current_task.request.id:
            request = current_task.request
            log_data |= {"task": current_task.name, "id": request.id, "about": logged(request.argsrepr or "")}
            log_data |= dict(zip(ARGUMENTS, request.args or (), strict=False))


class Brief(logging.Formatter):
    """`2026-11-27 22:59:53 infer 12 0 3: 1.35 s`. What is not a task that is done is left to another formatter."""

    def __init__(self, rest: logging.Formatter | None) -> None:
        super().__init__(datefmt=SECONDS)
        self.rest = rest or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        if not (done := Done.of(record)):
            return self.rest.format(record)
        what = " ".join(map(str, (done.task, *done.ids)))
        return f"{self.formatTime(record, self.datefmt)} {what}: {done.seconds:.2f} s"


def _format(logger: logging.Logger, **_: object) -> None:
    logging.getLogger(RECEIVED).setLevel(logging.WARNING)  # what is received is done, or received again
    writers = [handler for handler in logger.handlers if not isinstance(handler, Rotation)]
    if writers == logger.handlers:
        logger.addHandler(Rotation())
    for handler in writers:
        handler.setFormatter(Line() if settings().logs == "json" else Brief(handler.formatter))


for _signal in (after_setup_logger, after_setup_task_logger):
    _signal.connect(_format, weak=False)
