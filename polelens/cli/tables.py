"""Tables of audits and of what they found."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table

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


def results_table(audit: Audit, progress: Progress, rows: Sequence[Explained]) -> Group:
    """A line for each photograph and label, with the mean at the end, and below it what failed."""
    what = f"audit {audit.id}: {audit.model}, recipe {audit.recipe.name}"
    title = f"{what}, {progress.state}, {progress.evaluations:,} evaluations"
    table = Table(title=title, title_justify="left", box=None)
    for column in ("photograph", "label", "predicted", "explained", "fit R2", "seeds agree", "top 5 agree", "on mask"):
        table.add_column(
            column, justify="left" if column in ("photograph", "label", "predicted", "explained") else "right"
        )
    figures = [line for row in rows if row.attribution for line in _lines(table, row)]
    if figures:
        table.add_section()
        means = [_mean(column) for column in zip(*figures, strict=True)]
        table.add_row("mean", "", "", "", *(_two(value) for value in means))
    failed = Table("failed", "reason", box=None)
    for row in rows:
        if row.state == "failed":
            failed.add_row(row.image_name, row.reason)
    return Group(table, failed) if failed.row_count else Group(table)


def _lines(table: Table, row: Explained) -> list[tuple[float, ...]]:
    assert row.attribution is not None  # noqa: S101 -- the caller has looked
    best = max(row.attribution.probabilities.items(), key=lambda pair: pair[1])
    lines: list[tuple[float, ...]] = []
    for label in row.attribution.labels:
        share = row.mask_shares.get(label.label)
        line = (
            label.fidelity.r2_held_out,
            label.stability.spearman,
            label.stability.top5_jaccard,
            math.nan if share is None else share,
        )
        predicted = f"{best[0]} {best[1]:.0%}"
        table.add_row(row.image_name, row.label or "", predicted, label.label, *(_two(value) for value in line))
        lines.append(line)
    return lines


def _mean(column: Sequence[float]) -> float:
    known = [value for value in column if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _two(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"
