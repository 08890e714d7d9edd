"""What a soak comes to, for people: a table, and the section of docs/reliability.md that it replaces."""

from dataclasses import fields
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.machine import machine, today
from tests.chaos.soak import Outcome

BEGIN, END = "<!-- the last soak: written by make chaos -->\n", "<!-- end of the last soak -->\n"


def table(outcome: Outcome) -> str:
    """Each fault: how often it struck, and how long it took until the ledger moved again."""
    lines = ["| fault | struck | median recovery, s | longest, s |", "|---|---|---|---|"]
    for name, times in sorted(outcome.struck.items()):
        found = outcome.recoveries.get(name)
        figures = f"{median(found):.1f} | {max(found):.1f}" if found else "- | -"
        lines.append(f"| {name} | {times} | {figures} |")
    return "\n".join(lines) + "\n"


def summary(outcome: Outcome) -> str:
    """The figures of a soak in a sentence or two."""
    n = outcome.counted
    return (
        f"`make chaos SECONDS={outcome.asked:g} SEED={outcome.seed}`: {sum(outcome.struck.values())} strikes of "
        f"{len(outcome.struck)} kinds of faults in {outcome.seconds:.0f} s, {outcome.audits} audits, "
        f"{n['photographs']} photographs in {n['parts']} parts, all as undisturbed. "
        f"{n['duplicates']} late answers were refused, {n['republished']} times the sweeper handed a photograph out "
        "again, "
        f"{outcome.stalls} times a worker was stuck and ended itself."
    )


def figures(outcome: Outcome) -> dict[str, Any]:
    """All of it, for scripts."""
    return {one.name: getattr(outcome, one.name) for one in fields(outcome)} | {"machine": machine(), "date": today()}


def write(path: Path, outcome: Outcome) -> None:
    """Put the soak's section in the place of the last one."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    section = f"{summary(outcome)} {machine()}; {today()}.\n\n{table(outcome)}"
    path.write_text(before + BEGIN + "\n" + section + "\n" + END + after)
