"""What a person should know of a selection of photographs before an audit of them."""

from collections.abc import Iterator

from pipeline.staging import SEEN, share_seen
from pipeline.text import nearest
from polelens.cli.store import archive
from storage.registry import Version


def words(version: Version, selection: str) -> Iterator[str]:
    """What of the photographs a model is not shown, and which of their labels it does not have, a line each."""
    yield from _cropped(version, selection)
    for label, count in archive().labels(selection).items():
        if label not in version.labels:
            near = nearest(label, version.labels)
            photographs = "1 photograph is" if count == 1 else f"{count:,} photographs are"
            known = f"{photographs} known as {label}, which is no label of {version} and counts as unknown"
            yield f"{known}; the nearest that it has is {near}" if near else known


def check(selection: str) -> None:
    """Raise ValueError for a selection that selects nothing, with what may be meant."""
    if not archive().count(selection):
        raise ValueError(f"no photograph is selected by {selection!r}{_hint(selection)}")


def nothing_yet(selection: str) -> Iterator[str]:
    """That a selection for later selects nothing now, with what may be meant."""
    if not archive().count(selection):
        yield f"no photograph is selected by {selection!r} yet{_hint(selection)}"


def _hint(selection: str) -> str:
    if not archive().count():
        return ", for the archive is empty; `polelens images add PATH` adds some"
    near = meant(selection)
    return f"{f'; did you mean {near!r}?' if near else ''}; `polelens images list` shows the names"


def _cropped(version: Version, selection: str) -> Iterator[str]:
    shares = [(share_seen(version.profile, one.width, one.height), one) for one in archive().sizes(selection)]
    cropped = [(share, one) for share, one in shares if share < SEEN]
    if cropped:
        least, worst = min(cropped, key=lambda pair: pair[0])
        count = sum(one.count for _, one in cropped)
        yield (
            f"{version} is shown less than {SEEN:.0%} of {count:,} photograph{'s' * (count != 1)}, as its profile's "
            f"crop is {version.profile.crop}: {least:.0%} of {worst.example}"
        )


def meant(selection: str) -> str | None:
    """A selection that selects something and is near."""
    kind, colon, rest = selection.partition(":")
    if colon and kind.casefold() == "label":
        near = nearest(rest, archive().labels())
        return near and f"label:{near}"
    if colon and (near := nearest(kind, ["label", "sha256"])) and archive().count(f"{near}:{rest}"):
        return f"{near}:{rest}"
    if archive().labels().get(found := nearest(selection, archive().labels()) or ""):
        return f"label:{found}"
    within = f"*{selection.strip('*/')}*"
    return within if selection.strip("*/") and archive().count(within) else None
