"""The tasks, with a patience that is soon over: for workers that are to wait seconds and not minutes."""

from tasks.app import app
from tasks.steps import StepTask

StepTask.patience, StepTask.max_retries = 1, 2

__all__ = ["app"]
