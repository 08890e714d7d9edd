"""The `polelens` command: its groups, and one sentence for whatever goes wrong."""

from typing import Any

import click
import redis
from botocore.exceptions import BotoCoreError, ClientError
from kombu.exceptions import OperationalError as BrokerError
from sqlalchemy.exc import OperationalError, ProgrammingError

from polelens.cli.audits import audit
from polelens.cli.explain import explain
from polelens.cli.images import images
from polelens.cli.local import doctor, down, migrate, up
from polelens.cli.models import models
from polelens.cli.recipes import recipes
from polelens.stack import StackError
from storage.blobs import BlobMissing


class OneSentence(click.Group):
    """A group that says what went wrong in one sentence, without a traceback, and ends with status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (ValueError, StackError, BlobMissing) as error:
            raise click.ClickException(str(error)) from error
        except BrokenPipeError:
            raise  # the reader has seen enough: click ends quietly
        except OSError as error:
            raise click.ClickException(_file(error)) from error
        except (OperationalError, ProgrammingError) as error:
            raise click.ClickException(f"Postgres: {_first(error.orig)}; `polelens doctor` says more") from error
        except (redis.RedisError, BrokerError) as error:
            raise click.ClickException(f"Redis: {_first(error)}; `polelens doctor` says more") from error
        except (BotoCoreError, ClientError) as error:
            raise click.ClickException(f"S3: {_first(error)}; check AWS_ENDPOINT_URL_S3 and the credentials") from error


@click.group(cls=OneSentence, context_settings={"help_option_names": ["-h", "--help"]})
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


def _first(error: object) -> str:
    return str(error).strip().splitlines()[0]


def _file(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)


for command in (explain, models, images, audit, recipes, up, down, doctor, migrate):
    main.add_command(command)
