"""The motion: produce, prepare, infer, reduce, sweep. `celery -A tasks worker -Q infer-now,infer` starts a worker."""

from tasks import logs as _  # noqa: F401  listens for the logs being set up
from tasks.app import app

__all__ = ["app"]
