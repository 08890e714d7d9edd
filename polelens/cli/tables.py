"""Tables of audits and of what they found."""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from rich.console import Group, RenderableType
from rich.table import Table

from pipeline.answer.attribution import Attribution
from pipeline.answer.judgement import Grounding, Judgement
from pipeline.recipes import called
from polelens.cli.explanation_tables import further_tables
from polelens.cli.text import printable
from polelens.documents import seconds
from polelens.report.answers import EARLIER, answers
from polelens.report.words import duration
from storage.audits import Audit, Explained
from storage.overview import Overview
from storage.progress import Progress


def paused(number: int, progress: Progress) -> str:
    """Since when an audit is paused, why, and how it goes on."""
    ways = f"then it goes on by itself, or at once by `polelens audit resume {number}`"
    return printable(
        f"audit {number} is paused since {progress.paused_at:%Y-%m-%d %H:%M}: {progress.pause_reason}; {ways}"
    )


def narrow_table(*columns: str, whole: Collection[str] = ()) -> Table:
    """A table for 80 columns: its cells fold, but for those in `whole` columns, and nothing is cut."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in whole)
    return table


def kept(days: int | None) -> str:
    """For how long audits are kept, as a further line of a cell; nothing where it is for ever."""
    return "" if days is None else f"\nkept {days}d"


def audit_table(found: Iterable[tuple[Audit, Progress]]) -> Group:
    """A row for each audit, and below them why any is paused; nothing that tells two apart is cut."""
    columns = ("audit", "name", "model", "recipe", "images", "state", "done", "started")
    table = narrow_table(*columns, whole={"audit", "state", "done"})
    pauses = list[str]()
    for audit, progress in found:
        names = (audit.title.told, audit.model, _recipe(audit), audit.selection)
        state = f"{progress.state}{kept(audit.keep)}"
        table.add_row(str(audit.id), *map(printable, names), state, _done(audit, progress), _started(audit))
        pauses += [paused(audit.id, progress)] if progress.paused_at else []
    return Group(table, *pauses)


def _done(audit: Audit, progress: Progress) -> str:
    """How far an audit is, what failed of it and how long it took, in narrow lines."""
    failed = f"\n{progress.failed:,} failed" if progress.failed else ""
    taken = seconds(audit)
    took = "" if taken is None else f"\nin {duration(taken)}"
    return f"{progress.done:,}/{progress.photographs:,}{failed}{took}"


def _started(audit: Audit) -> str:
    by = f" {printable(audit.title.started_by)}" if audit.title.started_by else ""
    return f"{audit.created_at:%Y-%m-%d}\n{audit.created_at:%H:%M}{by}"


def _recipe(audit: Audit) -> str:
    again = "" if audit.refit_of is None else f", refit of {audit.refit_of}"
    return f"{called(audit.recipe)}{again}"


WORDS = {"photograph": 40, "label": 6, "model says": 12, "sound, on what": 20}  # and their width in characters
FIGURES = {"fit": "r2_held_out", "seeds": "spearman", "bg": "background_reliance"}
LEGEND = """
fit: held-out R2 of the surrogate; seeds: their mean rank correlation
bg: how far the score rests on what is outside the mask, 0 to 1"""
EARLIER_MARK = f"*: {EARLIER}"


def results_table(audit: Audit, progress: Progress, found: Overview, rows: Iterable[Explained], most: int) -> Group:
    """At most so many lines, one for each photograph and label, with the mean of all there are at the end."""
    table = _lines_table(rows, most)
    if not table.row_count:
        return Group(_heading(audit, progress))
    hidden = found.explanations - table.row_count
    figures = (found.means[name] for name in FIGURES.values())
    table.add_row("mean", "", "", "", *(_two(math.nan if value is None else value) for value in figures), style="bold")
    earlier = [EARLIER_MARK] if found.verdicts else []
    return Group(_heading(audit, progress), table, *_more(hidden), LEGEND, *earlier)


def photograph_table(row: Explained, word: str = "object") -> Group:
    """The lines of one photograph, or why it failed; `word` is what the object is called."""
    if row.attribution is None:
        return Group(f"{printable(row.image_name)}: {printable(row.reason or '')}")
    labels = row.attribution.labels
    told = [printable(f"{label.label}: {one.text}") for label in labels for one in answers(label.judgement, word)]
    ends = [(label.label, label.agreement.stopped) for label in labels]
    told += [printable(f"{name}: {end.sentence}") for name, end in ends if end]
    return Group(_lines_table([row], len(row.attribution.labels)), LEGEND, "", *told, *further_tables(row.attribution))


def failed_table(progress: Progress, rows: Sequence[Explained]) -> list[RenderableType]:
    """What failed, and why; nothing if nothing did."""
    if not rows:
        return []
    table = Table("failed", "reason", box=None)
    for row in rows:
        table.add_row(printable(row.image_name), printable(row.reason or ""))
    return ["", table, *_more(progress.failed - len(rows))]


def not_rejudged_table(progress: Progress, rows: Sequence[tuple[str, str]]) -> list[RenderableType]:
    """What keeps an earlier judgement as it could not be judged anew, and why; nothing if nothing does."""
    if not rows:
        return []
    table = Table("not judged anew", "reason", box=None)
    for name, reason in rows:
        table.add_row(printable(name), printable(reason))
    return ["", table, *_more(progress.not_rejudged - len(rows))]


def _heading(audit: Audit, progress: Progress) -> str:
    head = f"audit {audit.id} {audit.title.told}".strip()
    what = printable(f"{head}: {audit.model}, recipe {_recipe(audit)}, images {audit.selection}")
    explained = f"{progress.done:,} of {progress.photographs:,} photographs explained"
    told = f"{what}, {progress.state}, {explained}, {progress.evaluations:,} evaluations"
    return f"{told}\n{paused(audit.id, progress)}" if progress.paused_at else told


def _lines_table(rows: Iterable[Explained], most: int) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name, width in WORDS.items():
        table.add_column(name, overflow="fold", max_width=width)  # cut, two of a folder look the same
    for name in FIGURES:
        table.add_column(name, justify="right", no_wrap=True, min_width=4)
    lines = (line for row in rows if row.attribution for line in _lines(row, row.attribution))
    for words, numbers in islice(lines, most):
        table.add_row(*map(printable, words), *map(_two, numbers))
    return table


def _lines(row: Explained, attribution: Attribution) -> Iterator[tuple[tuple[str, ...], tuple[float, ...]]]:
    """The words and the figures of each label explained."""
    predicted = attribution.predicted
    for label in attribution.labels:
        judged = label.judgement
        told = f"{predicted} {attribution.confidence:.0%}"
        told += "" if label.label == predicted else f", why {label.label}?"
        words = row.image_name, row.label or "", told, _briefly(judged) if judged else ""
        grounding = judged.grounding if judged else Grounding()
        fit = label.fit.r2_held_out if label.fit else math.nan
        yield words, (fit, label.agreement.spearman, grounding.background_reliance)


def _briefly(judgement: Judgement) -> str:
    """Both answers in the width of a column; the one word of an earlier version with a star."""
    if judgement.verdict:
        return f"{judgement.verdict.word}*"
    told = (judgement.soundness and judgement.soundness.word.split()[0], judgement.basis and judgement.basis.word)
    return ", ".join(one for one in told if one)


def _more(hidden: int) -> list[str]:
    return [f"and {hidden:,} more: --limit, or --json for all"] if hidden > 0 else []


def _two(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.2f}"
