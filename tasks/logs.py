"""Logs: where POLELENS_LOGS is json, an object a line, and in it what the line is about."""

import logging
from typing import Any

from celery import current_task
from celery.signals import after_setup_logger, after_setup_task_logger
from pythonjsonlogger.json import JsonFormatter

from storage.settings import settings

FIELDS = {"asctime": "time", "levelname": "level", "name": "logger"}
ARGUMENTS = ("explanation", "round", "part")  # of a step's message


class Line(JsonFormatter):
    """A record as JSON: time, level, logger and message; within a task its name, id, ids and words for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=FIELDS)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """What every line has, and what a task's has beside."""
        super().add_fields(log_data, record, message_dict)
        log_data.pop("data", None)  # Celery's own, with the message once more
        if current_task and current_task.request.id:
            request = current_task.request
            log_data |= {"task": current_task.name, "id": request.id, "about": request.argsrepr}
            log_data |= dict(zip(ARGUMENTS, request.args or (), strict=False))


def _format(logger: logging.Logger, **_: object) -> None:
    if settings().logs == "json":
        for handler in logger.handlers:
            handler.setFormatter(Line())


for _signal in (after_setup_logger, after_setup_task_logger):
    _signal.connect(_format, weak=False)
