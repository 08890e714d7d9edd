"""A folder of masks, each known by its path in the folder."""

from collections import Counter
from pathlib import Path, PurePosixPath

from storage.names import Named
from storage.sources import Source, printed, sources


def masks(folder: Path) -> Named[Source]:
    """The masks below a folder by their paths without the suffix: they need not be files of the photograph's kind."""
    passed_over = Counter[str]()
    found = list(sources(str(folder), passed_over=passed_over))
    kinds = ", ".join(f"{n} {suffix}" for suffix, n in sorted(passed_over.items()))
    notes = (f"passed over among the masks: {kinds}",) if kinds else ()
    by_path = tuple((str(PurePosixPath(one.name).with_suffix("")), one) for one in found)
    return Named(by_path, notes, printed(str(folder.resolve())))
