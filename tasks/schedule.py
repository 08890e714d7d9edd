"""Schedule: start the audits that start themselves, and the comparisons whose audits have ended."""

from tasks import compare, runtime
from tasks.app import app
from tasks.messages import hint
from tasks.steps import IdsTask


@app.task(name="schedule", base=IdsTask)
def schedule() -> None:
    """Answer what is due by the clock and what was registered, and publish the comparisons that can be made."""
    started = [*runtime.schedules().tick(), *runtime.policies().answer()]
    if started:
        hint("produce")
    for number in runtime.comparisons().due():
        compare.publish(number)
