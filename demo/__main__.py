"""`python -m demo`: the main job, start to end, on real services of its own. Set up by `make demo`."""

import os
import shlex
import shutil
import time
from pathlib import Path

import click

from demo.photographs import archive, write

HERE = Path(__file__).parent
BUILD = Path("build/demo")
PHOTOGRAPHS = 24
SEED = 2026  # an archive of its own: neither network has seen these photographs
NEXT = """
What to try next:
  open build/demo/report-1/index.html and build/demo/report-2/index.html side by side
  export POLELENS_HOME=$PWD/build/demo/stack; . .venv/bin/activate
  polelens up                                            start the stack again; Flower's address is printed
  polelens audit start poles@2 --recipe lime --watch     another recipe on the same photographs
  polelens explain build/demo/archive/photographs/{name} --model demo/poles-v1.zip --out out
  polelens down
"""


def main() -> None:
    """Render an archive, audit it under both versions of the model, and show what each looks at."""
    began = time.monotonic()
    os.environ["POLELENS_HOME"] = str((BUILD / "stack").resolve())
    # The settings are read from the environment at their first use, and the environment is only now complete.
    for name in ("DATABASE_URL", "CELERY_BROKER_URL", "POLELENS_BLOBS"):
        os.environ.pop(name, None)
    _run("down")
    shutil.rmtree(BUILD, ignore_errors=True)
    write(BUILD / "archive", archive(PHOTOGRAPHS, SEED, shortcut=False))
    try:
        _run("up")
        found = _audit_both()
    finally:
        _run("down")
    click.echo("\nMeans over the photographs; background reliance is how far the score rests on what is not the pole:")
    for version, (share, area, reliance) in enumerate(found, start=1):
        click.echo(
            f"  poles@{version}  {share:.0%} of the supporting evidence on the pole (spread evenly: {area:.0%}), "
            f"background reliance {reliance:.2f}"
        )
    click.echo(f"\nAll that took {time.monotonic() - began:.0f} s.")
    click.echo(NEXT.format(name=next((BUILD / "archive/photographs").iterdir()).name))


def _audit_both() -> list[tuple[float, ...]]:
    archived = BUILD / "archive"
    _run(f"images add {archived}/photographs --labels {archived}/labels.csv --masks {archived}/masks")
    for version in (1, 2):
        _run(f"models add {HERE.name}/poles-v{version}.zip poles@{version}")
    for version in (1, 2):
        _run(f"audit start poles@{version} --object pole --watch")
    for version in (1, 2):
        _run(f"audit show {version}")
        _run(f"audit report {version} --out {BUILD}/report-{version}")
    return [_means(version) for version in (1, 2)]


def _means(number: int) -> tuple[float, ...]:
    from polelens.cli.store import audits  # noqa: PLC0415 -- after POLELENS_HOME is set

    rows = [row.attribution.labels[0] for row in audits().explained(number) if row.attribution]
    found = [label.judgement.grounding for label in rows if label.judgement]
    figures = ("mask_share", "mask_area", "background_reliance")
    return tuple(sum(getattr(one, figure) for one in found) / len(found) for figure in figures)


def _run(line: str) -> None:
    from polelens.cli import main as polelens  # noqa: PLC0415 -- after POLELENS_HOME is set

    click.secho(f"\n$ polelens {line}", bold=True)
    polelens(shlex.split(line), prog_name="polelens", standalone_mode=False)


if __name__ == "__main__":
    main()
