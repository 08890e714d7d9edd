"""Reads the zip that Azure Custom Vision exports, from bytes, trusting nothing in it."""

import hashlib
import io
import json
import re
import stat
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from pipeline.model.graph_def import Ends
from pipeline.model.label_files import read_labels
from pipeline.model.model import ModelRefused
from pipeline.model.tensorflow_file import SAVED, VARIABLES, TensorFlowFile, frozen_graph

MOST_ENTRIES = 1000
MOST_BYTES = 512 * 2**20  # the largest Custom Vision classifier is 43 MB; the sum over all entries
MOST_EXPANSION = 200  # weights hardly compress; a deflate bomb reaches 1000
AGAIN = "export the iteration again as ONNX"
FLAVORS = ("", "null", "tensorflownormal", "tensorflowsavedmodel")  # of exports for TensorFlow; Lite and Js are others


@dataclass(frozen=True, slots=True)
class Export:
    """What a model file holds besides the network.

    Attributes
    ----------
    onnx : bytes
        The .onnx file as it was given; none where TensorFlow wrote the model.
    labels : tuple of str, or None
        From labels.txt; index = output column.
    properties : mapping of str to str
        From metadata_properties.json; empty where the export has none.
    custom_vision : bool
        Whether a zip of Custom Vision was read, rather than a plain .onnx file.
    warnings : tuple of str
        What a person should know, and need not stop for.
    tensorflow : TensorFlowFile or None
        What `pipeline.model.tensorflow` turns into ONNX.
    ends : Ends or None
        Of that graph, once it was turned.
    """

    onnx: bytes
    labels: tuple[str, ...] | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    custom_vision: bool = False
    warnings: tuple[str, ...] = ()
    tensorflow: TensorFlowFile | None = None
    ends: Ends | None = None

    @property
    def sha256(self) -> str:
        """Of the model as given."""
        return self.tensorflow.sha256 if self.tensorflow else hashlib.sha256(self.onnx).hexdigest()

    @property
    def kind(self) -> str:
        """What was given, for people."""
        inside = [self.tensorflow.kind] if self.tensorflow else [] if self.custom_vision else ["ONNX"]
        return ", ".join(["Custom Vision zip"] * self.custom_vision + inside)


def read_export(data: bytes) -> Export:
    """The model, labels and metadata in a zip of Custom Vision or of a SavedModel, or in a plain .onnx or .pb file.

    Raises
    ------
    ModelRefused
        For zips that are damaged, encrypted or hostile, that hold a detector, or no model or several.
    """
    if not data.startswith(b"PK"):
        graph = frozen_graph(data)
        return Export(b"", tensorflow=graph) if graph else Export(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read_archive(archive)
    except ModelRefused:
        raise
    except Exception as error:  # zipfile meets hostile bytes with anything from BadZipFile to IndexError
        raise ModelRefused(f"the zip is damaged ({error}); {AGAIN}") from error


def _read_archive(archive: zipfile.ZipFile) -> Export:
    members = _safe_members(archive)
    found = _find(members, "cvexport.manifest")
    home = _path(found).parent if found else None
    manifest = _read_json(archive, members, "cvexport.manifest", home)
    properties = _read_json(
        archive, members, str(manifest.get("MetadataPropsFileName") or "metadata_properties.json"), home
    )
    _refuse_detector(manifest, properties)
    member = _model_member(members, manifest, home)
    model = _read(archive, member)
    graph = None if member.filename.lower().endswith(".onnx") else _graph(archive, members, member, model)
    labels = _find(members, str(manifest.get("LabelFileName") or "labels.txt"), _path(member).parent)
    return Export(
        b"" if graph else model,
        labels=read_labels(_read(archive, labels)) if labels else None,
        properties=properties,
        custom_vision=graph is None or bool(manifest),  # Custom Vision's zips for TensorFlow all have a manifest
        warnings=() if graph and graph.variables else _integrity(model, manifest),  # whose SHA-1 it is, is not known
        tensorflow=graph,
    )


def _graph(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], member: zipfile.ZipInfo, model: bytes
) -> TensorFlowFile:
    """The TensorFlow model, which for a SavedModel is this entry and those below `variables` beside it."""
    home = _path(member).parent
    if _path(member).name != SAVED:
        graph = frozen_graph(model)
        if graph is None:
            raise ModelRefused(f"the zip's entry {member.filename!r} is no frozen TensorFlow graph; {AGAIN}")
        return graph
    below = {_path(each): each for each in members if home in _path(each).parents}
    beside = {path.relative_to(home).as_posix(): each for path, each in below.items()}
    variables = {path: _read(archive, each) for path, each in beside.items() if VARIABLES.fullmatch(path)}
    return TensorFlowFile(model, variables)


def _safe_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = archive.infolist()
    if len(members) > MOST_ENTRIES:
        raise ModelRefused(f"the zip has {len(members)} entries, at most {MOST_ENTRIES} are read; {AGAIN}")
    for member in members:
        _refuse_unsafe(member)
    total = sum(member.file_size for member in members)
    if total > MOST_BYTES:
        raise ModelRefused(f"the zip unpacks to {total} bytes, at most {MOST_BYTES} are read; {AGAIN}")
    return [member for member in members if not member.filename.endswith(("/", "\\")) and not _is_shadow(member)]


def _refuse_unsafe(member: zipfile.ZipInfo) -> None:
    name = member.orig_filename  # before zipfile cuts it at a NUL or replaces separators
    plain = name.replace("\\", "/")  # as .NET Framework, and so PowerShell 5, separates
    leaves = plain.startswith("/") or ".." in PurePosixPath(plain).parts or re.match("[A-Za-z]:", name)
    if leaves or "\0" in name:
        raise ModelRefused(f"the zip's entry {name!r} is not a plain path inside the zip; {AGAIN}")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise ModelRefused(f"the zip's entry {name!r} is a symbolic link; pack the files themselves")
    if member.flag_bits & 0x1:
        raise ModelRefused(f"the zip's entry {name!r} is encrypted; pack it without a password")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ModelRefused(f"the zip's entry {name!r} is neither stored nor deflated; pack it as an ordinary zip")
    if member.file_size > max(2**20, MOST_EXPANSION * member.compress_size):
        raise ModelRefused(
            f"the zip's entry {name!r} unpacks to {member.file_size} bytes from {member.compress_size}, "
            f"which is how a zip bomb looks; {AGAIN}"
        )


def _path(member: zipfile.ZipInfo) -> PurePosixPath:
    return PurePosixPath(member.filename.replace("\\", "/"))


def _is_shadow(member: zipfile.ZipInfo) -> bool:
    """Whether macOS has added it when it packed a folder again: a "._model.onnx" of each file."""
    path = _path(member)
    return "__MACOSX" in path.parts or path.name.startswith("._")


def _find(members: list[zipfile.ZipInfo], name: str, home: PurePosixPath | None = None) -> zipfile.ZipInfo | None:
    """The entry of this file name: the one in the folder `home`, else the one that lies least deep.

    Sample code beside a model brings a labels.txt or a model of its own along, further down.
    """
    wanted = PurePosixPath(name.replace("\\", "/")).name.casefold()
    found = [member for member in members if _path(member).name.casefold() == wanted]
    beside = [member for member in found if _path(member).parent == home]
    depth = min((len(_path(member).parts) for member in found), default=0)
    near = beside or [member for member in found if len(_path(member).parts) == depth]
    if len(near) > 1:
        raise ModelRefused(f"the zip has {len(found)} entries called {name!r}; pack one export into one zip")
    return near[0] if near else None


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as stream:
        data = stream.read(MOST_BYTES + 1)  # declared sizes are only claims
    if len(data) != member.file_size:
        raise ModelRefused(f"the zip's entry {member.filename!r} is not as long as it says; {AGAIN}")
    return data


def _read_json(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], name: str, home: PurePosixPath | None
) -> dict[str, str]:
    member = _find(members, name, home)
    if member is None:
        return {}
    try:
        value = json.loads(_read(archive, member).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ModelRefused(f"{name} in the zip is not JSON; {AGAIN}") from error
    if not isinstance(value, dict):
        raise ModelRefused(f"{name} in the zip is not a JSON object; {AGAIN}")
    return {key: str(text) for key, text in value.items() if text is not None}


def _refuse_detector(manifest: Mapping[str, str], properties: Mapping[str, str]) -> None:
    kinds = (manifest.get("DomainType", ""), properties.get("CustomVision.Postprocess.Method", ""))
    strange = [kind for kind in kinds if kind and not kind.startswith("Classification")]
    if strange:
        raise ModelRefused(
            f"the zip holds an object detector ({', '.join(strange)}); polelens explains classifiers only"
        )


def _model_member(
    members: list[zipfile.ZipInfo], manifest: Mapping[str, str], home: PurePosixPath | None
) -> zipfile.ZipInfo:
    platform, flavor = manifest.get("Platform", ""), manifest.get("Flavor", "")
    endings = {"": (".onnx", ".pb"), "ONNX": (".onnx",), "TENSORFLOW": (".pb",)}.get(platform.upper(), ())
    if not endings or (endings == (".pb",) and flavor.lower() not in FLAVORS):
        shown = f" ({flavor})" if flavor.lower() not in FLAVORS else ""
        raise ModelRefused(f"the zip is an export for {platform}{shown}; {AGAIN}")
    models = [each for each in members if each.filename.lower().endswith(endings) and _is_model(each)]
    named = _find(models, manifest["ModelFileName"], home) if "ModelFileName" in manifest else None
    if named is not None:
        return named
    depth = min((len(_path(member).parts) for member in models), default=0)
    near = [member for member in models if len(_path(member).parts) == depth]
    if len(near) != 1:
        raise ModelRefused(_none_or_several(members, near))
    return near[0]


def _is_model(member: zipfile.ZipInfo) -> bool:
    """Whether it is, by its name, more than what TensorFlow writes beside a saved_model.pb."""
    return _path(member).name not in ("fingerprint.pb", "keras_metadata.pb")


def _none_or_several(members: list[zipfile.ZipInfo], models: list[zipfile.ZipInfo]) -> str:
    names = [member.filename.lower() for member in models or members]
    if models:
        kinds = " or ".join(kind for kind, end in (("ONNX", ".onnx"), ("TensorFlow", ".pb")) if _any(names, end))
        return f"the zip holds {len(models)} {kinds} models and does not say which; {AGAIN}"
    if _any(names, "model.weights.h5"):
        return "the file is a .keras file; load it in Keras, save it with model.export('folder') and give that folder"
    if _any(names, ".tflite"):
        return f"the zip holds a TensorFlow Lite model, which is not read; {AGAIN}"
    inner = next((member.filename for member in members if member.filename.lower().endswith(".zip")), None)
    other = f", but another zip ({inner!r}), which may be the export itself" if inner else ""
    return f"the zip holds no ONNX model and no TensorFlow graph{other}; {AGAIN}"


def _any(names: list[str], ending: str) -> bool:
    return any(name.endswith(ending) for name in names)


def _integrity(onnx: bytes, manifest: Mapping[str, str]) -> tuple[str, ...]:
    claimed = manifest.get("ModelFileSHA1", "").lower()
    if claimed in ("", hashlib.sha1(onnx, usedforsecurity=False).hexdigest()):
        return ()
    return ("the model is not the file that cvexport.manifest was written for: its SHA-1 differs",)
