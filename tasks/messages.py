"""Messages: ids only, published after the commit that made them true, with words that a person reads in Flower.

Nobody acts on the words: audit, photograph and part are shown and never read back.
"""

from collections.abc import Iterable

from storage.ledger import Step
from tasks.app import app
from tasks.queues import NOW

PHOTOGRAPH = " photograph="  # the last word
LONGEST = 40  # characters of a photograph's name; the end of a path says more than its beginning


def publish(steps: Iterable[Step]) -> None:
    """Publish steps; a message that gets lost is published again by the sweeper."""
    with app.producer_or_acquire() as producer:
        for step in steps:
            app.send_task(
                step.task,
                args=[step.explanation, step.round, step.part] if step.task == "infer" else [step.explanation],
                queue=step.task + NOW if step.urgent else step.task,
                argsrepr=words(step),
                kwargsrepr="",
                producer=producer,
            )


def hint(task: str) -> None:
    """Ask for a control task soon; if nobody hears, beat asks again."""
    app.send_task(task, queue="control", expires=60)


def logged(words: str) -> str:
    """What a message is about, for a log: without the photograph's name, which may have to be forgotten."""
    return words.partition(PHOTOGRAPH)[0]


def words(step: Step) -> str:
    """What a message is about, for people."""
    name = "".join(sign if sign.isprintable() else "?" for sign in step.photograph)
    shown = name if len(name) <= LONGEST else f"…{name[1 - LONGEST :]}"
    part = f" part={step.part + 1}/{step.parts}" if step.parts else ""
    return f"audit={step.audit}{part}{PHOTOGRAPH}{shown}"
