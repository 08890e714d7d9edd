"""Sweep: hand out again what made no progress in time, whether a message was lost or a machine died."""

from tasks.app import app
from tasks.messages import publish
from tasks.runtime import ledger


@app.task(name="sweep")
def sweep() -> None:
    """Publish again every step whose lease has run out, or give it up."""
    publish(ledger().overdue())
    ledger().settle()
