"""Write an audit's report, of all that it has explained or of some."""

from pathlib import Path

import click

from pipeline.answer.judgement import BACKGROUND, BOTH, DOUBTFUL, NOTHING, OBJECT, SOUND, UNKNOWN
from polelens.cli.following import NUMBER
from polelens.cli.images_option import images_option
from polelens.cli.store import audits, engine, gallery
from polelens.cli.text import as_json, echo_json, progress_bar
from polelens.report.answers import VERDICTS
from polelens.report.audit import Asked, write_audit_report
from polelens.report.pages import SINGLE
from storage.chosen import Chosen

# The words by which photographs are chosen: of both answers, then those of an earlier version's verdict.
ANSWERS = {word.split()[0]: word for word in (SOUND, DOUBTFUL, NOTHING, OBJECT, BACKGROUND, BOTH, UNKNOWN, *VERDICTS)}


@click.command()
@NUMBER
@images_option(told="Of these photographs: see `audit start`.")
@click.option(
    "--verdict", "words", multiple=True, type=click.Choice(list(ANSWERS)), help="With this answer; of several, any."
)
@click.option("--limit", type=click.IntRange(1), help="So many at most, those to look at first before all others.")
@click.option("--single", is_flag=True, help=f"One file, pictures and all: for e-mail. {SINGLE} photographs at most.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default="report", show_default=True)
@as_json
def report(  # noqa: PLR0913, PLR0917 -- a command's options
    number: int, images: str, words: tuple[str, ...], limit: int | None, single: bool, out: Path, as_json: bool
) -> None:
    """Write an audit's report: pages of HTML that open from the file system.

    The pictures are drawn on the way. The figures on the front page are of the whole audit, whichever photographs are
    shown.

    \b
    polelens audit report 3 --out report
    polelens audit report 3 --verdict background --limit 50
    polelens audit report 3 --images 'north/*' --limit 20 --single --out mail
    """
    audits().get(number)
    chosen = Chosen(images, tuple(ANSWERS[word] for word in words), limit)
    with progress_bar() as bar:
        task = bar.add_task("explanations", total=chosen.count(engine(), number))
        asked = Asked(chosen, single)
        page = write_audit_report(gallery(), number, out, asked, lambda: bar.advance(task))
    if as_json:
        echo_json({"audit": number, "page": str(page)})
    else:
        click.echo(f"{page} shows audit {number}")
