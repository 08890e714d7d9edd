"""A corpus of bad and odd input, made here: photographs, models, and the files beside them; and the readers of each."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tifffile
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import ExifTags, Image

from pipeline.model.custom_vision import read_export
from pipeline.model.graph_def import ends_of, graph_of, restores_elsewhere, saved_model_of, signed_ends
from pipeline.model.label_files import read_labels
from pipeline.model.metadata import class_names
from pipeline.model.model import ModelRefused
from pipeline.model.normalised import normalise
from pipeline.model.preprocessing import work_out
from pipeline.model.profile import Profile
from pipeline.scene.mask import read_mask
from pipeline.scene.photograph import Unreadable, decode
from polelens.said import profile_of
from polelens.web.endpoint.asked import read as read_request
from polelens.web.endpoint.instances import read as read_instance
from polelens.web.endpoint.problems import Problem
from storage.boxes import boxes
from storage.labels import labels
from tests import models

ORIENTATION = int(ExifTags.Base.Orientation)


def pattern(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """A picture of coloured blocks that looks different from every side."""
    y, x = np.mgrid[:height, :width]
    blocks = np.stack([(x // 8 * 37) % 256, (y // 8 * 53) % 256, ((x // 16 + y // 16) * 91) % 256], axis=2)
    return blocks.astype(np.uint8)


def saved(image: Image.Image | NDArray[Any], form: str, **options: Any) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, form, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width: int, height: int, data: bytes, *, bits: int = 1) -> bytes:
    """A grey PNG file that claims this size, over these compressed bytes."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def turned(orientation: int) -> bytes:
    """A photograph whose EXIF asks to be turned."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return saved(pattern(), "JPEG", exif=exif)


def _broken_exif() -> bytes:
    """EXIF whose directory says it has 65535 entries."""
    good = turned(6)
    place = good.index(b"Exif\0\0") + 6 + 8
    return good[:place] + b"\xff\xff" + good[place + 2 :]


def odd_photographs() -> dict[str, bytes]:
    """Photographs that are unusual and have to be explained all the same, by their file names."""
    rgb, picture = pattern(), Image.fromarray(pattern())
    frames = [picture, picture.transpose(Image.Transpose.ROTATE_180)]
    wide = np.float32(rgb[..., 0]) / 255
    wide[0, 0] = np.nan
    return {
        "1x1.png": saved(rgb[:1, :1], "PNG"),
        "cmyk.jpg": saved(picture.convert("CMYK"), "JPEG"),
        "sixteen-bit.png": saved(rgb[..., 0].astype(np.uint16) * 257, "PNG"),
        "palette.png": saved(picture.quantize(16), "PNG"),
        "alpha.png": saved(picture.convert("RGBA"), "PNG"),
        "animated.webp": saved(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
        "nan.tif": saved(wide, "TIFF"),
        "bands.tif": _bands(rgb),
        "new.avif": saved(picture, "AVIF"),
        "scan.jp2": saved(picture, "JPEG2000"),
        "breaks-off.jpg": saved(picture, "JPEG")[:-2],
        "wrong-extension.jpg": saved(rgb, "BMP"),
        "broken-exif.jpg": _broken_exif(),
        "progressive.jpg": saved(rgb, "JPEG", progressive=True),
        "narrow.png": saved(rgb[:, :1].repeat(300, axis=0), "PNG"),
        **{f"turned-{number}.jpg": turned(number) for number in range(1, 9)},
    }


def bad_photographs() -> dict[str, tuple[bytes, str]]:
    """Files that only look like photographs, by their names, each with a part of the reason that a person gets."""
    good = saved(pattern(), "PNG")
    white = zlib.compress(bytes(20_000 * (1 + 20_000 // 8)), 1)  # every row of it, and only 230 kB
    return {
        "empty.jpg": (b"", "the file is empty"),
        "zeros.png": (bytes(1000), "not a JPEG"),
        "truncated.png": (good[: len(good) // 2], "damaged"),
        "truncated.jpg": (turned(1)[:300], "damaged"),
        "text.jpeg": (b"no picture\n" * 50, "not a JPEG"),
        "gif.png": (saved(pattern()[..., 0], "GIF"), "not a JPEG"),
        "20000x20000.png": (png_of(20_000, 20_000, white), "more than the 200 megapixels allowed"),
        "bomb.png": (png_of(2**31 - 1, 2**31 - 1, zlib.compress(bytes(10**6))), "the 200 megapixels allowed"),
        "negative.bmp": (_bmp(-(2**31), 2**31 - 1), ""),
        "text-bomb.png": (_text_bomb(good), "damaged"),
    }


def _bands(rgb: NDArray[np.uint8]) -> bytes:
    """A survey's TIFF of five bands."""
    buffer = io.BytesIO()
    values = np.dstack([rgb, rgb[..., :2]])
    tifffile.imwrite(buffer, values, photometric="minisblack", planarconfig="contig", compression="zlib")
    return buffer.getvalue()


NAMES = (  # of files, all of which a photograph may have
    b"with space.png",
    b'it\'s "quoted".png',
    b"two\nlines.png",
    b"..png",
    b"a..b.png",
    b"\xff\xfe.png",
    b"<img src=x onerror=alert(1)>.png",
    b"'; DROP TABLE image; --.png",
    b"-rf.png",
    b"%s%n{0}.png",
    b"\x1b[31m.png",
    "blåbær 山 \u202egpj.png".encode(),
)


def _bmp(width: int, height: int) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 100, 0, 0, 54) + header + bytes(46)


def _text_bomb(good: bytes) -> bytes:
    """A PNG whose compressed comment unpacks to 64 MB, before its pixels."""
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2**26)))
    return good[:33] + bomb + good[33:]


def changed(change: Callable[[onnx.ModelProto], object], **network: Any) -> bytes:
    """The classifier of a Custom Vision export with something changed."""
    model = onnx.load_model_from_string(models.custom_vision_onnx(**network))
    change(model)
    return bytes(model.SerializeToString())


def external(location: str) -> bytes:
    """A model that wants its weights read from another file."""

    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=location)

    return changed(change)


def counting(trips: int, *, growing: bool = False) -> bytes:
    """A model that counts before it answers: ONNX's Loop; `growing` doubles a tensor on each trip instead."""
    step = ("Concat", ["n", "n"]) if growing else ("Add", ["n", "one"])
    options = {"axis": 0} if growing else {}
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node(*step, ["more"], **options)],
        "body",
        [_value("i", TensorProto.INT64, []), _value("go", TensorProto.BOOL, []), _value("n", TensorProto.FLOAT, None)],
        [_value("on", TensorProto.BOOL, []), _value("more", TensorProto.FLOAT, None)],
    )
    nodes = [
        helper.make_node("ReduceMean", ["pixels"], ["zero"], axes=[1], keepdims=0),
        helper.make_node("Loop", ["trips", "yes", "zero"], ["n"], body=body),
        helper.make_node("ReduceSum", ["n"], ["sum"], axes=[0], keepdims=1),
        helper.make_node("Mul", ["sum", "none"], ["nothing"]),
        helper.make_node("MatMul", ["pixels", "zeros"], ["answer"]),
        helper.make_node("Add", ["answer", "nothing"], ["probs"]),
    ]
    constants = {"zeros": np.zeros((3 * 32 * 32, 2)), "one": [1.0], "none": [0.0]}
    model = onnx.load_model_from_string(models.planted(nodes, constants, size=32))
    for name, value in (("trips", np.array(trips, np.int64)), ("yes", np.array(True))):
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    return bytes(model.SerializeToString())


def long_chain(n: int) -> bytes:
    """A model of n nodes and a few more."""
    names = ["pixels", *(f"t{i}" for i in range(n))]
    nodes = [helper.make_node("Identity", [a], [b]) for a, b in pairwise(names)]
    nodes.append(helper.make_node("MatMul", [names[-1], "zeros"], ["probs"]))
    return models.planted(nodes, {"zeros": np.zeros((3 * 32 * 32, 2))}, size=32)


def _value(name: str, kind: int, shape: list[int] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads bytes from a stranger: the only errors it may raise, and files to begin from."""

    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]

    def check(self, data: bytes) -> None:
        """Read, or be refused with words; whatever else happens is a defect."""
        try:
            self.read(data)
        except self.refusals as refused:
            assert str(refused).strip()


def _photograph(data: bytes) -> None:
    pixels = decode(data)
    assert pixels.dtype == np.uint8
    assert (pixels.ndim, pixels.shape[2]) == (3, 3)
    assert pixels.size


def _masks() -> list[Image.Image]:
    """Masks as tools write them: a palette, 16-bit numbers, and coverage."""
    palette = Image.fromarray(np.eye(8, dtype=np.uint8) * 2).convert("P")
    palette.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0])
    return [palette, Image.fromarray(np.eye(8, dtype=np.uint16) * 700), Image.new("RGBA", (8, 8), (9, 9, 9, 0))]


def _model(data: bytes) -> None:
    """All that is read of a model before it is run."""
    export = read_export(data)
    network = normalise(export.onnx)
    class_names(network.properties)
    work_out(network, export, {})


def _request(data: bytes) -> None:
    """All that is read of a request of the endpoint before a model is looked for."""
    for one in read_request(data).instances:
        read_instance(one)


GRAPHS = (("compact", "model.pb"), ("saved_model", "saved_model.pb"))  # in demo/tensorflow_exports


def _member(archive: Path, name: str) -> bytes:
    with zipfile.ZipFile(archive) as opened:
        return opened.read(name)


def _graph(data: bytes) -> None:
    """All that is read of a TensorFlow graph before TensorFlow is asked."""
    graph, saved = graph_of(data), saved_model_of(data)
    if graph is not None:
        ends_of(graph)
    if saved is not None:
        signed_ends(saved)
        restores_elsewhere(saved)


def readers() -> Mapping[str, Reader]:
    """Every reader of a stranger's bytes, by what it reads."""
    exports = Path("demo/tensorflow_exports")
    frozen, restored = (_member(exports / f"{archive}.zip", name) for archive, name in GRAPHS)
    small = models.custom_vision_onnx(metadata={"Image.BitmapPixelFormat": "Bgr8", "Image.NominalPixelRange": "x"})
    zipped = models.custom_vision_zip(onnx=small, properties=models.preprocess_properties(models.COMPACT))
    odd = odd_photographs()
    kept = ("1x1.png", "cmyk.jpg", "palette.png", "animated.webp", "nan.tif", "broken-exif.jpg", "wrong-extension.jpg")
    kept += ("turned-6.jpg", "alpha.png", "progressive.jpg")
    kept += ("bands.tif", "new.avif", "scan.jp2")
    coco = b'{"images": [{"id": 1, "file_name": "a.png"}], "annotations": [{"image_id": 1, "bbox": [0, 0, 4, 8]}]}'
    return {
        "mask": Reader(read_mask, (Unreadable,), tuple(saved(one, "PNG") for one in _masks())),
        "photograph": Reader(_photograph, (Unreadable,), tuple(odd[name] for name in kept)),
        "zip": Reader(read_export, (ModelRefused,), (zipped, models.zipped({"model.onnx": b"short"}))),
        "model": Reader(_model, (ModelRefused, ValueError), (zipped, small)),
        "graph": Reader(_graph, (ModelRefused,), (frozen, restored)),
        "labels": Reader(read_labels, (ModelRefused,), (b"BETONG\r\nTRE\n", b"0 a\n1 b", b'{"id2label": {"0": "a"}}')),
        "labels table": Reader(labels, (ValueError,), (b"path,label\na.png,TRE\n",)),
        "request": Reader(
            _request,
            (Problem,),
            (b'{"instances": [{"image": {"b64": "AAAA"}}, {"photograph": "x"}], "parameters": {"when": "score<1"}}',),
        ),
        "boxes": Reader(boxes, (ValueError,), (coco, b"name,x,y,width,height\na.png,1,2,3,4\n")),
        "profile": Reader(
            lambda data: Profile.from_json(profile_of(data)),
            (ValueError,),
            (b'{"size": 32, "crop": "shorter-side", "resize": 40, "color": "bgr", "mean": [1, 2, 3], "scale": 2}',),
        ),
    }
