"""`python -m tests.chaos`: the soak. Set up by `make chaos`."""

import json
import secrets
import signal
import sys
from pathlib import Path

import click

from tests.chaos.live_stack import raised
from tests.chaos.page import figures, summary, table, write
from tests.chaos.soak import soak


@click.command()
@click.option("--seconds", type=click.FloatRange(min=1), default=60, help="How long faults strike.", show_default=True)
@click.option("--seed", type=click.IntRange(min=0), help="Replays the faults of another soak; else a new one.")
@click.option("--json", "told", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures there too.")
@click.option("--page", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A page with a section.")
def main(seconds: float, seed: int | None, told: Path | None, page: Path | None) -> None:
    """Break processes, messages and services at random under audits of 30 photographs, and see that nothing is lost.

    Exit status 1 says that a promise was broken.

    \b
    python -m tests.chaos --seconds 600 --seed 7
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and so stop what was started
    seed = secrets.randbelow(10**6) if seed is None else seed
    click.echo(f"seed {seed}: make chaos SECONDS={seconds:g} SEED={seed}")
    with raised() as stage:
        outcome = soak(stage, seconds, seed, click.echo)
        if outcome.broken or outcome.stalls:
            stage.keep_logs(Path("build/chaos"))
    click.echo(f"\n{table(outcome)}\n{outcome.broken or summary(outcome)}")
    if told:
        told.parent.mkdir(parents=True, exist_ok=True)
        told.write_text(json.dumps(figures(outcome), indent=1) + "\n")
    if outcome.broken:
        click.echo(f"BROKEN with seed {seed}; the logs are in build/chaos")
        sys.exit(1)
    if page:
        write(page, outcome)


if __name__ == "__main__":
    main()
