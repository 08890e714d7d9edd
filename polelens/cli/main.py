"""The `polelens` command: its groups, and one sentence for whatever goes wrong."""

from importlib import import_module
from typing import Any

import click

COMMANDS = {  # name: its module in polelens.cli, imported when it is called, and the first line of its help
    "explain": ("explain", "Explain what a model sees in IMAGE."),
    "models": ("models", "Register models, and see those there are."),
    "images": ("images", "Put photographs into the archive, and see those there are."),
    "audit": ("audits", "Explain a whole archive: start, follow, cancel and resume audits, and read what they found."),
    "policy": ("policies", "Say what happens when a version of a model is registered."),
    "schedule": ("schedules", "Start audits by the clock."),
    "recipes": ("recipes", "List the named recipes."),
    "trail": ("trail", "List what was removed, started or changed: when, by whom, of what kind and how many."),
    "token": ("tokens", "Let programs sign in to the pages and the endpoint, each by a token of its own."),
    "up": (
        "local",
        "Start Postgres, Redis, workers, beat, Flower and the pages here, and return when they work.",
    ),
    "down": ("local", "Stop the local stack. What it has stored stays."),
    "doctor": ("local", "Say what is wrong with the stack, one line each, and how to mend it."),
    "gc": ("gc", "Remove what nothing refers to, or is needed no more."),
    "serve": ("serve", "Serve the pages: audits, their photographs, and what people say of them."),
    "metrics": ("metrics", "Serve Prometheus the figures of the ledger and the queues."),
    "migrate": ("local", "Bring the database of DATABASE_URL to the newest schema."),
}


class FrontDoor(click.Group):
    """A group that imports a command when it is called, and says what went wrong in one sentence with status 1."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The real command behind a name and the first line of its help."""
        name, known, rest = super().resolve_command(ctx, args)
        return name, known and load(str(known.name)), rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # of a broken pipe: the reader has seen enough, and click ends quietly
        except Exception as error:
            from polelens.cli.errors import sentence  # noqa: PLC0415 -- it knows every library's errors

            told = sentence(error)
            if told is None:
                raise
            raise click.ClickException(told) from error


@click.group(cls=FrontDoor, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="polelens")
def main() -> None:
    """Explain what an image classifier looks at, for one photograph or a whole archive.

    \b
    One photograph:   polelens explain pole.jpg --model poles.zip --out out
    An archive:       polelens up
                      polelens models add poles.zip poles
                      polelens images add photographs/
                      polelens audit start poles --watch
                      polelens audit report 1 --out report
    """


def load(name: str) -> click.Command:
    """The command of this name, with all that it imports."""
    command: click.Command = getattr(import_module(f"polelens.cli.{COMMANDS[name][0]}"), name)
    return command


for _name, (_, _help) in COMMANDS.items():
    main.add_command(click.Command(_name, help=_help))
