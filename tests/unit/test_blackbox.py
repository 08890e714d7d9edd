"""The black box: scores for masks, whatever their number, type and order."""

import dataclasses
import subprocess
import sys
import threading
import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from pipeline.conversation.designs import scattered
from pipeline.model.admission import read_model
from pipeline.model.blackbox import BlackBox, UnusableScores
from pipeline.model.graft import MASK
from pipeline.model.model import Model
from pipeline.model.normalised import normalise, with_free_batch
from pipeline.model.profile import Profile
from pipeline.model.session import CPU, open_session
from pipeline.scene.lattice import Lattice
from pipeline.scene.scene import Scene, compose
from tests.models import Network, additive, custom_vision_zip, means, standardised

PROFILE = {"size": 32, "crop": "center", "color": "rgb", "mean": 0, "scale": 255}
RNG = np.random.default_rng(0)
MASKS = RNG.random((10, 9)) < 0.5
ELSEWHERE = ("AzureExecutionProvider", CPU)  # it ships in every onnxruntime, and leaves the work to the CPU


def _scene(seed=0):
    rng = np.random.default_rng(seed)
    return Scene(
        canvas=rng.integers(0, 256, (32, 32, 3), np.uint8),
        segments=(np.arange(32)[:, None] // 11 * 3 + np.arange(32) // 11).astype(np.int32),
        fill=rng.integers(0, 256, (32, 32, 3), np.uint8),
    )


@pytest.fixture(scope="module")
def model():
    return read_model(custom_vision_zip(Network()), name="poles", profile=PROFILE)


@pytest.fixture(scope="module")
def box(model):
    return BlackBox(model, batch=4)


def test_scores_are_those_of_the_composed_pictures_whatever_the_micro_batch(model):
    pictures = np.stack([model.profile.tensor(picture) for picture in compose(_scene(), MASKS)])
    expected = open_session(model.onnx).run(None, {"data": pictures})[0]
    for batch in (1, 3, 10, 64):
        scores = BlackBox(model, batch=batch).scores(_scene(), MASKS)
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-6)
        assert scores.dtype == np.float32


def test_scores_are_the_same_however_many_pictures_are_composed_at_once(model, monkeypatch):
    """To the last bit: the network is run in the same micro-batches."""
    expected = BlackBox(model, batch=2).scores(_scene(), MASKS)
    for room_bytes in (1, 4 * 3 * 32 * 32 * 4, 1 << 20):  # for a batch of two, two batches, all
        monkeypatch.setattr("pipeline.model.composed.ROOM_BYTES", room_bytes)
        np.testing.assert_array_equal(BlackBox(model, batch=2).scores(_scene(), MASKS), expected)


def test_bits_and_the_same_numbers_as_floats_give_the_same_scores(box):
    scene = _scene()
    for kind in (np.float32, np.float64, np.uint8):
        np.testing.assert_array_equal(box.scores(scene, MASKS.astype(kind)), box.scores(scene, MASKS))


def test_masks_between_zero_and_one_blend_an_additive_model_in_proportion():
    weights = RNG.random((3, 32, 32)) / 3072
    box = BlackBox(read_model(additive(weights), name="additive", labels=["yes", "no"], profile=PROFILE))
    scene, half = _scene(), np.full((1, 9), 0.25, np.float32)
    ends = box.scores(scene, np.array([[0] * 9, [1] * 9], bool))
    np.testing.assert_allclose(box.scores(scene, half)[0], 0.75 * ends[0] + 0.25 * ends[1], atol=1e-6)


def test_every_superpixel_is_seen_on_when_its_own_bit_is_set_and_off_otherwise():
    scene = _scene()
    regions = scene.segments == np.arange(9)[:, None, None]
    labels = [f"region {index}" for index in range(9)]
    box = BlackBox(read_model(means(regions), name="recorder", labels=labels, profile=PROFILE))
    on, off = ([picture[region].mean() / 255 for region in regions] for picture in (scene.canvas, scene.fill))
    np.testing.assert_allclose(box.scores(scene, MASKS), np.where(MASKS, on, off), atol=1e-5)


def test_scores_of_soft_regions_are_those_of_blended_pictures_whatever_the_micro_batch(model):
    """On a CPU, and where the last micro-batch is padded."""
    scene, rows = _scene(), scattered(49, 10, 1, 0.5)
    lattice = Lattice(7)
    share = lattice.shares(rows, (32, 32))[:, None]
    pictures = share * model.profile.tensor(scene.canvas) + (1 - share) * model.profile.tensor(scene.fill)
    expected = open_session(model.onnx).run(None, {"data": pictures})[0]
    soft = dataclasses.replace(scene, lattice=lattice)
    for batch, providers in ((1, [CPU]), (3, [CPU]), (64, [CPU]), (4, ELSEWHERE)):
        box = BlackBox(model, batch=batch, providers=providers)
        np.testing.assert_allclose(box.scores(soft, rows), expected, rtol=0, atol=1e-6)
        np.testing.assert_array_equal(box.scores(scene, MASKS), BlackBox(model, batch=batch).scores(scene, MASKS))
        shares = MASKS.astype(np.float32)
        np.testing.assert_allclose(box.scores(scene, shares), box.scores(scene, MASKS), rtol=0, atol=1e-6)


def test_no_masks_give_no_scores(box):
    assert box.scores(_scene(), np.empty((0, 9), bool)).shape == (0, 3)


def test_a_scene_gets_its_own_scores_after_another_one(box):
    first, second = _scene(1), _scene(2)
    before = box.scores(first, MASKS)
    assert not np.allclose(before, box.scores(second, MASKS))
    np.testing.assert_array_equal(box.scores(first, MASKS), before)


def test_threads_that_share_a_black_box_get_the_scores_of_their_own_scenes(box):
    scenes = [_scene(seed) for seed in range(4)]
    expected = [box.scores(scene, MASKS) for scene in scenes]
    right = [True] * 4

    def ask(index):
        for _ in range(10):
            right[index] &= bool(np.array_equal(box.scores(scenes[index], MASKS), expected[index]))

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(right)


def test_a_model_for_single_pictures_is_shown_one_at_a_time():
    assert _batches_seen(batch=4, free=False) == [1] * 10


def test_micro_batches_are_full_but_for_the_last_one_on_the_cpu():
    assert _batches_seen(batch=4) == [4] * 8 + [2] * 2


def test_elsewhere_the_last_micro_batch_is_padded_so_that_kernels_see_one_shape():
    assert _batches_seen(batch=4, providers=ELSEWHERE) == [4] * 10


class Device:
    """A session in a device's place: it wants two batches at a time after the first, and has room for so many masks."""

    def __init__(self, session, *, room=64, complaint="", patient=True):
        self._session, self._room, self._complaint = session, room, complaint
        self._both, self._first = (threading.Barrier(2, timeout=30) if patient else None), True
        self.sizes = []

    def run_with_ort_values(self, names, feeds):
        (size, _), first, self._first = feeds[MASK].shape(), self._first, False
        self.sizes.append(size)
        if size > self._room:
            raise RuntimeError(self._complaint)
        if self._both and not first:
            self._both.wait()  # for ever, if there is no second: then it is broken, which is an error
        return self._session.run_with_ort_values(names, feeds)


def _on_device(model, batch, **more):
    """A black box whose provider is no processor, and what stands in its device's place."""
    box = BlackBox(model, batch=batch, providers=ELSEWHERE)
    box._session = Device(box._session, **more)
    return box, box._session


def test_on_a_device_two_batches_are_under_way_behind_the_first_and_scores_keep_their_order(model):
    box, device = _on_device(model, batch=2)
    expected = BlackBox(model, batch=2).scores(_scene(), MASKS)
    np.testing.assert_allclose(box.scores(_scene(), MASKS), expected, rtol=0, atol=1e-6)
    assert device.sizes == [2] * 5


# As ONNX Runtime's arena, CUDA, cuDNN and cuBLAS word it.
@pytest.mark.parametrize(
    "complaint",
    [
        "bfc_arena.cc:359 Failed to allocate memory for requested buffer of size 822083584",
        "CUDA failure 2: out of memory ; GPU=0 ; hostname=node ; file=cuda_allocator.cc ; line=47 ; expr=cudaMalloc(",
        "CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED ; GPU=0 ; hostname=node ; file=conv.cc ; line=478 ; expr=cudnnFind",
        "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0 ; hostname=node ; file=cuda_execution_provider.cc",
    ],
)
def test_a_device_that_is_out_of_memory_is_given_half_the_batch_and_no_photograph_fails(model, complaint):
    box, device = _on_device(model, batch=8, room=2, complaint=complaint, patient=False)
    expected = BlackBox(model, batch=2).scores(_scene(), MASKS)
    np.testing.assert_allclose(box.scores(_scene(), MASKS), expected, rtol=0, atol=1e-6)
    assert box.batch == 2
    assert device.sizes == [8, 4, *[2] * 5]


class Shared:
    """A session in the place of a device with room for eight masks, of which two batches want too much at once."""

    def __init__(self, session):
        self._session, self._taken, self._lock = session, 0, threading.Lock()
        self._both, self._first, self.complaints = threading.Barrier(2, timeout=30), True, []

    def run_with_ort_values(self, names, feeds):
        (size, _) = feeds[MASK].shape()
        crowded, self._first = size == 8 and not self._first, False
        if crowded:
            self._both.wait()
        with self._lock:
            if self._taken + size > 8:
                self.complaints.append(size)
                raise RuntimeError("CUDA failure 2: out of memory")
            self._taken += size
        try:
            time.sleep(0.1 if crowded else 0)  # until the other's error has long been heard
            return self._session.run_with_ort_values(names, feeds)
        finally:
            with self._lock:
                self._taken -= size


def test_a_batch_is_halved_once_the_other_one_has_left_the_device(model):
    """Where there is room for one and not for two: half of it fits twice, but not beside what is still under way."""
    box = BlackBox(model, batch=8, providers=ELSEWHERE)
    box._session = Shared(box._session)
    masks = np.concatenate([MASKS, MASKS])
    expected = BlackBox(model, batch=4).scores(_scene(), masks)
    np.testing.assert_allclose(box.scores(_scene(), masks), expected, rtol=0, atol=1e-6)
    assert (box.batch, box._session.complaints) == (4, [8])


def test_another_error_of_a_device_comes_through_and_halves_nothing(model):
    box, _ = _on_device(model, batch=8, room=2, complaint="CUDA failure 700: an illegal memory access", patient=False)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        box.scores(_scene(), MASKS)
    assert box.batch == 8


LITTLE_MEMORY = """
import resource
import sys
from pathlib import Path
import numpy as np
from pipeline.model.blackbox import BlackBox
from tests import models
from tests.insides import read, scene
model, shown = read(models.uneven(), "a", "b"), scene()
masks = np.random.default_rng(0).random((4096, 16)) < 0.5
expected, box = BlackBox(model, batch=8).scores(shown, masks), BlackBox(model, batch=8, providers=sys.argv[1:])
box.scores(shown, masks)  # its threads take memory, too
box.batch = 4096
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 2**22, 2**40))
np.testing.assert_allclose(box.scores(shown, masks), expected, atol=1e-6)
assert 1 <= box.batch < 4096, box.batch
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its memory")
@pytest.mark.parametrize("providers", [(CPU,), ELSEWHERE], ids=["processor", "elsewhere"])
def test_a_batch_that_is_too_large_for_the_memory_is_halved_and_fails_no_photograph(providers):
    """Really so: the pictures of this batch alone take 48 MB, and there are 4, and 16 that were used before."""
    command = [sys.executable, "-c", LITTLE_MEMORY, *providers]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_provider_that_is_missing_is_an_error_and_never_a_slow_run_on_the_cpu(model):
    with pytest.raises(RuntimeError, match=r"ROCMExecutionProvider is not in this onnxruntime.*present: .*CPU"):
        BlackBox(model, providers=["ROCMExecutionProvider", CPU])


@pytest.mark.parametrize("shape", [(9,), (2, 8), (2, 10), (1, 2, 9)])
def test_masks_of_another_shape_than_the_scene_are_an_error(box, shape):
    with pytest.raises(ValueError, match=r"masks have the shape .*, expected \[n, 9\]"):
        box.scores(_scene(), np.ones(shape, bool))


def test_a_scene_of_another_size_than_the_profile_is_an_error(model):
    other = dataclasses.replace(model, profile=Profile(size=64))
    with pytest.raises(ValueError, match=r"scene is \(32, 32\) pixels, the model's profile says \(64, 64\)"):
        BlackBox(other).scores(_scene(), MASKS)


def test_a_batch_of_none_is_an_error(model):
    with pytest.raises(ValueError, match="batch is 0"):
        BlackBox(model, batch=0)


def test_float16_and_scores_of_rank_four_come_out_as_a_table_of_float32():
    for network in (Network(half=True, zipmap=False), Network(zipmap=False, flat=False)):
        box = BlackBox(read_model(custom_vision_zip(network), name="poles", profile=PROFILE))
        scores = box.scores(_scene(), MASKS)
        assert (scores.shape, scores.dtype) == ((10, 3), np.float32)


def _batches_seen(*, batch, free=True, providers=(CPU,)):
    """How many pictures each of ten masks shared its run with, as a model tells that counts them."""
    graph = normalise(_counter()).model
    file = (with_free_batch(graph) if free else graph).SerializeToString()
    model = Model("counter", file, ("count",), Profile(size=32), sha256="", batch=free, facts={})
    return BlackBox(model, batch=batch, providers=providers).answers(_scene(), MASKS)[:, 0].tolist()


def _counter():
    """A model whose one score is the number of pictures in its batch."""
    nodes = [
        helper.make_node("ReduceMean", ["data"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["zeros"]),
        helper.make_node("Shape", ["zeros"], ["shape"]),
        helper.make_node("Cast", ["shape"], ["count"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["zeros", "count"], ["counts"]),
        helper.make_node("Unsqueeze", ["counts"], ["probs"], axes=[1]),
    ]
    graph = helper.make_graph(
        nodes,
        "counter",
        [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["N", 3, 32, 32])],
        [helper.make_tensor_value_info("probs", TensorProto.FLOAT, ["N", 1])],
        [onnx.numpy_helper.from_array(np.zeros(1, np.float32), "zero")],
    )
    imports = [helper.make_opsetid("", 12)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8).SerializeToString()


class TestUnusableScores:
    """A score that is no probability is caught where it enters, with the picture that it is of and a remedy."""

    def _flat(self, cells, fill):
        """A scene whose canvas has one flat half, in two superpixels, or is all flat."""
        canvas = _scene().canvas.copy()
        canvas[:, :16] = 90
        return Scene(canvas if cells == 2 else np.full_like(canvas, 90), _halves(), np.full_like(canvas, fill))

    @pytest.mark.parametrize(
        ("cells", "mask", "told"),
        [
            (1, [1, 1], "nan for the photograph itself, .*leave the photograph out"),
            (2, [0, 0], "nan for the bare fill, all superpixels hidden, .*take another fill, such as --set fill=blur"),
            (2, [1, 0], "nan for the photograph with 1 of its 2 superpixels shown, .*take another fill"),
        ],
    )
    def test_what_is_no_number_is_told_with_its_picture(self, cells, mask, told):
        box = BlackBox(read_model(standardised(), name="net", labels=["a", "b"]))
        with pytest.raises(UnusableScores, match=f"the model gives a {told}"):
            box.scores(self._flat(cells, fill=90), np.array([mask], bool))

    def test_the_other_pictures_have_their_scores(self):
        box = BlackBox(read_model(standardised(), name="net", labels=["a", "b"]))
        assert np.isfinite(box.scores(self._flat(2, fill=90), np.array([[1, 1], [0, 1]], bool))).all()

    def test_what_leaves_the_range_later_is_told_with_its_label(self):
        """Its answers lay within 0..1 in the trial, so that nothing told them from probabilities."""
        weights = np.zeros((3, 32, 32))
        weights[:, 0, 0] = 0.4 / 255
        model = read_model(additive(weights), name="net", labels=["a", "b"])
        white = Scene(np.full((32, 32, 3), 255, np.uint8), _halves(), np.zeros((32, 32, 3), np.uint8))
        with pytest.raises(
            UnusableScores, match=r"gives a 1.2 for the photograph itself.*no probability.*--activation"
        ):
            BlackBox(model).scores(white, np.ones((1, 2), bool))


def _halves():
    return np.repeat(np.arange(32)[None] // 16, 32, axis=0).astype(np.int32)
