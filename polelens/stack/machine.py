"""What the doctor sees of this machine: its ONNX Runtime, its disk, and the processes that were started on it."""

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from polelens.stack.finding import Finding, judged
from polelens.stack.stack import find, is_down, status
from storage.settings import Settings

STALE = 60.0  # seconds: a health file is touched every ten
LEAST = 2 << 30  # bytes free for blobs: some 1,500 explanations, as docs/operations.md has it


def machine(settings: Settings) -> Iterator[Finding]:
    """Look at this machine, which need not be that of the workers."""
    yield from _onnxruntime(settings)
    yield from space(settings.blobs)
    yield from _health(settings.health)
    yield from _local(settings)


def _onnxruntime(settings: Settings) -> Iterator[Finding]:
    import onnxruntime  # noqa: PLC0415  slow to import, and only the doctor of this package needs it

    here = onnxruntime.get_available_providers()
    missing = [one for one in settings.providers.split(",") if one not in here]
    extras = "install polelens[gpu] or polelens[openvino] (docs/operations.md), or set POLELENS_PROVIDERS"
    remedy = f"{', '.join(missing)} is not here: {extras}"
    yield judged("ONNX Runtime", not missing, f"{onnxruntime.__version__}, {', '.join(here)}", remedy)


def space(blobs: str, least: int = LEAST) -> Iterator[Finding]:
    """What is free where a folder of blobs is; a bucket's own server must tell of its disks."""
    folder = Path(blobs).expanduser()
    try:
        if "://" in blobs or not folder.is_dir():
            return
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # the finding about the blobs has said it
    remedy = "make room there, or have POLELENS_BLOBS name a larger disk"
    yield judged("blob space", free >= least, f"{free / 1e9:.1f} GB free in {folder}", remedy)


def _health(folder: str) -> Iterator[Finding]:
    """Whose file is old is stuck, or was killed: who ends in good order takes its file along."""
    if not folder:
        return
    ages = {}
    for path in Path(folder).expanduser().glob("*.json"):
        with suppress(OSError):  # its worker has ended meanwhile
            ages[path.stem] = time.time() - path.stat().st_mtime
    stale = ", ".join(f"{name} {age:.0f} s" for name, age in sorted(ages.items()) if age > STALE)
    remedy = "start what was last well so long ago again, its log says why; remove the file of what is gone for good"
    yield judged("health files", not stale, stale or f"{len(ages)}, all fresh", remedy)


def _local(settings: Settings) -> Iterator[Finding]:
    """What of the local stack has ended, if that is the one in use."""
    stack = find(settings.home)
    if stack is None or stack.broker_url != settings.broker_url:
        return
    ended = [one for one in status(settings.home) if one.pid is None]
    if is_down(settings):
        yield Finding("local stack", False, "it is down", "`polelens up` starts it")
        return
    remedy = f"`polelens up` starts it again; its last words are in {ended[0].log}" if ended else ""
    seen = f"{', '.join(one.name for one in ended)} has ended" if ended else "all of it runs"
    yield judged("local stack", not ended, seen, remedy)
