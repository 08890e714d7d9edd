"""Start, follow, cancel and resume audits, and read what they found."""

from pathlib import Path
from typing import Any

import click

from polelens.cli.recipes import chosen, label_choice, recipe_options
from polelens.cli.store import as_json, audits, blobs, console, echo_json, registry
from polelens.cli.tables import audit_table, results_table, summary
from polelens.cli.watch import watch as follow
from polelens.findings import explanation_document, write_audit_report
from storage.audits import Explained
from tasks.messages import hint

NUMBER = click.argument("number", type=int)


@click.group()
def audit() -> None:
    """Explain a whole archive: start, follow, cancel and resume audits, and read what they found."""


@audit.command()
@click.argument("model", metavar="MODEL[@VERSION]")
@click.option(
    "--images", default="all", show_default=True, help="all, label:NAME, sha256:PREFIX or a pattern of names."
)
@click.option("--now", is_flag=True, help="Serve it before all other audits, for a person who waits.")
@click.option("--watch", is_flag=True, help="Follow it until it ends.")
@recipe_options
@as_json
def start(model: str, images: str, now: bool, watch: bool, as_json: bool, **options: Any) -> None:
    """Explain a selection of photographs under MODEL.

    What was explained before, by the same model and recipe, is taken over and not computed again.

    \b
    polelens audit start poles --watch
    polelens audit start poles@2 --recipe lime --images 'north/*' --label TRE
    polelens audit start poles --set segmenter.n_segments=80 --samples 256
    """
    made = chosen(
        options["recipe_name"],
        options["changes"],
        samples=options["samples"],
        seed=options["seed"],
        labels=label_choice(options["labels"]) if options["labels"] else None,
    )
    version = registry().find(model)
    number = audits().start(version, made, images, urgent=now)
    hint("produce")
    if as_json:
        echo_json({"audit": number})
    else:
        count = audits().progress(number).photographs
        evaluations = count * len(made.seeds) * made.samples
        click.echo(f"audit {number}: {count} photographs under {version}, about {evaluations:,} evaluations")
    if watch:
        follow(number)


@audit.command("list")
@as_json
def list_(as_json: bool) -> None:
    """List the audits, the newest first."""
    found = [(one, audits().progress(one.id)) for one in audits().all()]
    if as_json:
        echo_json([summary(one, progress) for one, progress in found])
    else:
        console.print(audit_table(found))


@audit.command()
@NUMBER
@click.option("--image", help="One photograph: the beginning of its sha256, or its name.")
@as_json
def show(number: int, image: str | None, as_json: bool) -> None:
    """Show what an audit found, a line for each photograph.

    \b
    polelens audit show 3
    polelens audit show 3 --image pole-017.jpg --json    its attribution, as explain writes it
    """
    one = audits().get(number)
    rows = [row for row in audits().explained(number, ("done", "failed")) if image is None or _is(row, image)]
    if image and not rows:
        raise ValueError(f"audit {number} has no explanation of {image!r}; `polelens audit show {number}` lists them")
    if as_json:
        documents = [dict(explanation_document(one, row)) for row in rows]
        echo_json(documents[0] if image else summary(one, audits().progress(number)) | {"explanations": documents})
        return
    console.print(results_table(one, audits().progress(number), rows))


@audit.command()
@NUMBER
def watch(number: int) -> None:
    """Follow an audit until it ends; Ctrl-C stops the watching, not the audit."""
    audits().get(number)
    follow(number)


@audit.command()
@NUMBER
def cancel(number: int) -> None:
    """Stop an audit; what is done stays, and `resume` goes on from there."""
    audits().cancel(number)
    click.echo(f"audit {number} is cancelled; `polelens audit resume {number}` goes on")


@audit.command()
@NUMBER
@click.option("--watch", is_flag=True, help="Follow it until it ends.")
def resume(number: int, watch: bool) -> None:
    """Go on with a cancelled audit, or try again what failed in one that has ended."""
    audits().resume(number)
    for task in ("sweep", "produce"):
        hint(task)
    click.echo(f"audit {number} goes on")
    if watch:
        follow(number)


@audit.command()
@NUMBER
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default="report", show_default=True)
def report(number: int, out: Path) -> None:
    """Write an audit's report: pages of HTML that open from the file system."""
    page = write_audit_report(audits(), blobs(), number, out)
    click.echo(f"{page} shows audit {number}")


def _is(row: Explained, image: str) -> bool:
    return row.image_name == image or row.image.startswith(image)
