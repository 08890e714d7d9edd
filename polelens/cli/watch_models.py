"""Watch a place where exports of a model appear, and register each as the next version."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError
from sqlalchemy.exc import OperationalError

from pipeline.model.custom_vision import read_labels
from polelens.cli.control import answer_policies, tell_policies
from polelens.cli.errors import sentence
from polelens.cli.profiles import FILE, read_profile
from polelens.cli.store import registry, watched
from polelens.cli.text import printable
from polelens.cli.watch import CtrlC
from polelens.quarantine import model_within
from storage.blob_errors import BlobsUnavailable
from storage.registry import split_reference
from storage.settings import limits
from storage.watched import Found, Seen, exports

# A store that does not answer now may do so later.
PASSING = (OSError, BotoCoreError, ClientError, BlobsUnavailable, OperationalError)
NAP_SECONDS = 0.2  # how soon Ctrl-C is heard


@dataclass(frozen=True, slots=True)
class Watch:
    """A place, the name its files are registered under, and what they do not say themselves."""

    place: str
    name: str
    labels: Sequence[str] | None
    profile: dict[str, Any] | None

    def look(self) -> Iterator[str]:
        """Register what is new and whole, the oldest first; a sentence for each file that was tried.

        A file in a folder is whole when two looks find it alike. What was tried before is passed over.
        """
        seen = watched().seen(self.place, self.name)
        for file in exports(self.place):
            before = seen.get(file.name)
            alike = before is not None and before.mark == file.mark
            if before is not None and alike and before.outcome is not None:
                continue
            if alike or file.whole:
                yield self._try(file)
            else:
                watched().note(self.place, self.name, file.name, Seen(file.mark, None, False))

    def waits(self) -> bool:
        """Whether a file was seen once only."""
        seen = watched().seen(self.place, self.name)
        return any(file.name in seen and seen[file.name].outcome is None for file in exports(self.place))

    def _try(self, file: Found) -> str:
        try:
            model = model_within(limits(), file.read(), name=self.name, labels=self.labels, profile=self.profile)
        except ValueError as error:
            self._note(file, str(error), registered=False)
            return f"{file.name} is refused: {error}"
        version, new = registry().add(model)
        self._note(file, str(version), registered=True)
        return f"{file.name} is {version}{'' if new else ', as it was before'}"

    def _note(self, file: Found, outcome: str, *, registered: bool) -> None:
        watched().note(self.place, self.name, file.name, Seen(file.mark, outcome, registered))


@click.command()
@click.argument("place", metavar="FOLDER | s3://BUCKET/PREFIX")
@click.argument("name")
@click.option("--once", is_flag=True, help="Look, and look again for files that may still be growing; for cron.")
@click.option("--every", type=click.FloatRange(0.1), default=30, show_default=True, help="Seconds between looks.")
@click.option("--labels", "labels_file", type=FILE, help="Labels, one a line; a Custom Vision zip has its own.")
@click.option("--profile", type=FILE, help="Preprocessing profile, JSON; its fields go before what the files say.")
def watch(place: str, name: str, once: bool, every: float, labels_file: Path | None, profile: Path | None) -> None:
    """Register each Custom Vision zip, .onnx or .pb file that appears in a place as the next version of NAME.

    A file in a folder is read when two looks find it of the same size and time. What is refused is said once; nothing
    is moved or deleted. Where NAME has a policy (see `polelens policy`), the audit of a new version starts by itself.

    \b
    polelens models watch exports/ poles --once --every 2
    polelens models watch s3://training/exports/ poles
    """
    if split_reference(name)[1] is not None:
        raise ValueError(f"{name} is one version; files are registered under a name, each as its next version")
    labels = read_labels(labels_file.read_bytes()) if labels_file else None
    at = Watch(place, name, labels, read_profile(profile))
    if once:
        _look(at)
        if at.waits():
            time.sleep(every)
            _look(at)
        return
    click.echo(f"watching {printable(place)} every {every:g} s; Ctrl-C ends it", err=True)
    _keep_looking(at, every)


def _keep_looking(at: Watch, every: float) -> None:
    """Look until Ctrl-C; what passes is said when it begins."""
    trouble = None
    with CtrlC() as ctrl_c:
        while not ctrl_c.pressed:
            try:
                _look(at)
                trouble = None
            except PASSING as error:
                told = sentence(error) or str(error)
                if told != trouble:
                    click.echo(f"{told}; looking again every {every:g} s", err=True)
                trouble = told
            until = time.monotonic() + every
            while time.monotonic() < until and not ctrl_c.pressed:
                time.sleep(NAP_SECONDS)


def _look(at: Watch) -> None:
    for told in at.look():
        click.echo(printable(told))
        tell_policies(at.name, answer_policies())
