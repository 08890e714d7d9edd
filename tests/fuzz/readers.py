"""Fuzzing with atheris: `python -m tests.fuzz.readers FOLDER [libFuzzer's options]`; see CONTRIBUTING.md.

Every reader of a stranger's bytes either reads them or refuses them with words. What breaks that is written to a file
`crash-…`, whose first byte says which reader it is for; given in the place of the folder it alone is read.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["PIL", "pipeline", "storage.boxes", "storage.labels", "zipfile", "json"]):
    from tests.corpus import readers

READERS = readers()
NAMES = sorted(READERS)
LIMITS = ("-max_len=20000", "-rss_limit_mb=4096", "-timeout=20", "-artifact_prefix=build/fuzz/")


def one(data: bytes) -> None:
    """Put all but the first byte to the reader that the first byte names."""
    if data:
        READERS[NAMES[data[0] % len(NAMES)]].check(data[1:])


def main() -> None:
    """Fuzz all readers, from the files that the corpus has for each and what an earlier run has found."""
    for folder in filter(Path.is_dir, map(Path, sys.argv[1:])):
        for number, name in enumerate(NAMES):
            for place, seed in enumerate(READERS[name].seeds):
                (folder / f"{number}-{place}").write_bytes(bytes([number]) + seed)
    atheris.Setup([sys.argv[0], *LIMITS, *sys.argv[1:]], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
