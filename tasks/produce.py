"""Produce: keep a bounded window of explanations in flight, so that Redis stays small however large the archive."""

from storage.settings import settings
from tasks.app import app
from tasks.messages import publish
from tasks.runtime import ledger
from tasks.steps import IdsTask


@app.task(name="produce", base=IdsTask)
def produce() -> None:
    """Fill the window and close the audits that are done."""
    publish(ledger().produce(settings().window))
    ledger().settle()
