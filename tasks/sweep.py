"""Sweep: hand out again what made no progress in time, whether a message was lost or a machine died."""

from storage.settings import settings
from tasks.app import app
from tasks.messages import hint, publish
from tasks.runtime import ledger, notices
from tasks.steps import IdsTask


@app.task(name="sweep", base=IdsTask)
def sweep() -> None:
    """Publish again every step whose lease has run out, or give it up; have it told which audits have ended."""
    publish(ledger().overdue())
    ledger().settle()
    if settings().webhook_url and notices().due():
        hint("notify")
