"""Watch a place where exports of a model appear, and register each as the next version."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import click
from botocore.exceptions import BotoCoreError, ClientError
from sqlalchemy.exc import OperationalError

from pipeline.model.model import Said
from polelens.cli.completion import model_references
from polelens.cli.control import answer_policies, tell_policies
from polelens.cli.errors import sentence
from polelens.cli.profiles import model_options
from polelens.cli.store import registry, watched
from polelens.cli.text import as_json, printable
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
    said: Said

    def look(self) -> Iterator["Tried"]:
        """Register what is new and whole, the oldest first; what came of each file that was tried.

        A file in a folder is whole when two looks find it alike. What was tried before is passed over.
        """
        seen, files = watched().seen(self.place, self.name), exports(self.place)
        watched().prune(self.place, self.name, [file.name for file in files])
        for file in files:
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

    def _try(self, file: Found) -> "Tried":
        try:
            model = model_within(limits(), file.read(), name=self.name, said=self.said, inside=True)
        except ValueError as error:
            self._note(file, str(error), registered=False)
            return Tried(file.name, None, False, (str(error),))
        version, new = registry().add(model)
        self._note(file, str(version), registered=True)
        return Tried(file.name, str(version), new, tuple(version.facts.get("warnings", ())))

    def _note(self, file: Found, outcome: str, *, registered: bool) -> None:
        watched().note(self.place, self.name, file.name, Seen(file.mark, outcome, registered))


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a file: the version that it is, and notes, or else the one reason against it."""

    file: str
    version: str | None
    new: bool
    notes: tuple[str, ...]

    def __str__(self) -> str:
        if self.version is None:
            return f"{self.file} is refused: {self.notes[0]}"
        return f"{self.file} is {self.version}{'' if self.new else ', as it was before'}"


@click.command()
@click.argument("place", metavar="FOLDER | s3://BUCKET/PREFIX")
@click.argument("name", shell_complete=model_references)
@click.option("--once", is_flag=True, help="Look, and look again for files that may still be growing; for cron.")
@click.option("--every", type=click.FloatRange(0.1), default=30, show_default=True, help="Seconds between looks.")
@model_options
@as_json
def watch(place: str, name: str, once: bool, every: float, said: Said, as_json: bool) -> None:
    """Register each Custom Vision zip, .onnx or .pb file that appears in a place as the next version of NAME.

    A file in a folder is read when two looks find it of the same size and time. What is refused is said once; nothing
    is moved or deleted. Where NAME has a policy (see `polelens policy`), the audit of a new version starts by itself.

    \b
    polelens models watch exports/ poles --once --every 2
    polelens models watch s3://training/exports/ poles
    polelens models watch exports/ poles --once --json
    """
    if split_reference(name)[1] is not None:
        raise ValueError(f"{name} is one version; files are registered under a name, each as its next version")
    at = Watch(place, registry().canonical(name), said)
    if once:
        _look(at, as_json)
        if at.waits():
            time.sleep(every)
            _look(at, as_json)
        return
    click.echo(f"watching {printable(place)} every {every:g} s; Ctrl-C ends it", err=True)
    _keep_looking(at, every, as_json)


def _keep_looking(at: Watch, every: float, as_json: bool) -> None:
    """Look until Ctrl-C; what passes is said when it begins."""
    trouble = None
    with CtrlC() as ctrl_c:
        while not ctrl_c.pressed:
            try:
                _look(at, as_json)
                trouble = None
            except PASSING as error:
                told = sentence(error) or str(error)
                if told != trouble:
                    click.echo(f"{told}; looking again every {every:g} s", err=True)
                trouble = told
            until = time.monotonic() + every
            while time.monotonic() < until and not ctrl_c.pressed:
                time.sleep(NAP_SECONDS)


def _look(at: Watch, as_json: bool) -> None:
    for tried in at.look():
        audits = answer_policies()
        if as_json:  # a line for each file: watching has no end
            click.echo(json.dumps(asdict(tried) | {"audits": [asdict(one) for one in audits]}))
            continue
        click.echo(printable(str(tried)))
        for note in tried.notes if tried.version else ():
            click.echo(f"note: {printable(note)}", err=True)
        tell_policies(at.name, audits)
