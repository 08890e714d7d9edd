"""A SavedModel on disk: a folder, which is packed in memory into the zip that the reader of models takes."""

import io
import zipfile
from pathlib import Path

from pipeline.model.custom_vision import MOST_BYTES, MOST_ENTRIES
from pipeline.model.model import ModelRefused
from pipeline.model.tensorflow_file import SAVED


def is_saved_model(path: Path) -> bool:
    """Whether this is the folder of a SavedModel."""
    return (path / SAVED).is_file()


def packed(folder: Path) -> bytes:
    """A zip of a SavedModel's folder: its graph, its variables, and the small files that Custom Vision puts beside.

    Raises
    ------
    ModelRefused
        If the folder is none, or holds more than is read of a zip.
    """
    if not is_saved_model(folder):
        raise ModelRefused(f"the folder {str(folder)!r} holds no {SAVED}; give a SavedModel's folder or a file")
    files = sorted(path for path in (*folder.glob("*"), *folder.glob("variables/*")) if path.is_file())
    size = sum(path.stat().st_size for path in files)
    if len(files) > MOST_ENTRIES or size > MOST_BYTES:
        raise ModelRefused(
            f"the folder {str(folder)!r} holds {len(files)} files of {size:,} bytes, at most {MOST_ENTRIES} of "
            f"{MOST_BYTES:,} are read; give the SavedModel alone"
        )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in files:
            archive.writestr(path.relative_to(folder).as_posix(), path.read_bytes())
    return buffer.getvalue()
