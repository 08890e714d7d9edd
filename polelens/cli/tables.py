"""Tables of audits and of what they found."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table

from pipeline.attribution import Attribution
from storage.audits import Audit, Explained, Progress


def summary(audit: Audit, progress: Progress) -> dict[str, Any]:
    """An audit as JSON."""
    return {
        "audit": audit.id,
        "model": audit.model,
        "recipe": audit.recipe.to_json() | {"digest": audit.recipe.digest},
        "images": audit.selection,
        "state": progress.state,
        "photographs": progress.photographs,
        "done": progress.done,
        "failed": progress.failed,
        "evaluations": progress.evaluations,
        "created_at": audit.created_at,
        "finished_at": audit.finished_at,
    }


def audit_table(found: Iterable[tuple[Audit, Progress]]) -> Table:
    """A line for each audit."""
    table = Table("audit", "model", "recipe", "images", "state", "done", "failed", "started", box=None)
    for audit, progress in found:
        done, started = f"{progress.done}/{progress.photographs}", f"{audit.created_at:%Y-%m-%d %H:%M}"
        name = audit.recipe.name
        table.add_row(
            str(audit.id), audit.model, name, audit.selection, progress.state, done, str(progress.failed), started
        )
    return table


WORDS = {"photograph": 26, "label": 8, "the model says": 22}  # and their width in characters
FIGURES = ("fit", "seeds", "top 5", "on mask")
LEGEND = """
fit: held-out R2 of the surrogate; seeds: their mean rank correlation; top 5: Jaccard index of their five strongest
superpixels; on mask: share of the supporting evidence inside the photograph's mask"""


def results_table(audit: Audit, progress: Progress, rows: Sequence[Explained]) -> Group:
    """A line for each photograph and label, with the mean at the end, and below it what failed."""
    what = f"audit {audit.id}: {audit.model}, recipe {audit.recipe.name}"
    table = Table(
        title=f"{what}, {progress.state}, {progress.evaluations:,} evaluations", title_justify="left", box=None
    )
    for name, width in WORDS.items():
        table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=width)
    for name in FIGURES:
        table.add_column(name, justify="right", no_wrap=True)
    figures = [line for row in rows if row.attribution for line in _lines(table, row, row.attribution)]
    if figures:
        table.add_row("mean", "", "", *(_two(_mean(column)) for column in zip(*figures, strict=True)), style="bold")
    failed = Table("failed", "reason", box=None)
    for row in rows:
        if row.state == "failed":
            failed.add_row(row.image_name, row.reason)
    return Group(table, LEGEND, *([failed] if failed.row_count else []))


def _lines(table: Table, row: Explained, attribution: Attribution) -> list[tuple[float, ...]]:
    best = max(attribution.probabilities.items(), key=lambda pair: pair[1])
    lines: list[tuple[float, ...]] = []
    for label in attribution.labels:
        share = row.mask_shares.get(label.label)
        agreement = label.stability.spearman, label.stability.top5_jaccard
        lines.append((label.fidelity.r2_held_out, *agreement, math.nan if share is None else share))
        told = f"{best[0]} {best[1]:.0%}" + ("" if label.label == best[0] else f", why {label.label}?")
        table.add_row(row.image_name, row.label or "", told, *(_two(value) for value in lines[-1]))
    return lines


def _mean(column: Sequence[float]) -> float:
    known = [value for value in column if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _two(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"
