"""The motion: produce, prepare, infer, reduce, sweep. `celery -A tasks worker -Q infer-now,infer` starts a worker."""

from tasks.app import app

__all__ = ["app"]
