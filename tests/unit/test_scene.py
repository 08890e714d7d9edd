import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.scene.scene import Scene, compose
from pipeline.scene.segments import relabel


def scene(seed=0, h=7, w=10, k=6):
    generator = np.random.default_rng(seed)
    canvas, fill = generator.integers(0, 256, (2, h, w, 3), dtype=np.uint8)
    return Scene(canvas, relabel(generator.integers(0, k, (h, w))), fill)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_compose_is_canvas_where_on_and_fill_where_off(seed, n):
    """Each pixel of each picture is the canvas's if its superpixel is on, the fill's if not: pixel by pixel."""
    shown = scene(seed)
    masks = np.random.default_rng(seed).random((n, shown.k)) < 0.5
    pictures = compose(shown, masks)
    assert pictures.dtype == np.uint8
    for i, mask in enumerate(masks):
        for y, x in np.ndindex(shown.segments.shape):
            source = shown.canvas if mask[shown.segments[y, x]] else shown.fill
            assert (pictures[i, y, x] == source[y, x]).all()


def test_every_superpixel_is_switched_the_first_and_the_last_too():
    """Switching superpixel j alone changes the pixels labelled j and no other."""
    shown = scene()
    different = (shown.canvas != shown.fill).any(axis=-1)
    pictures = compose(shown, ~np.eye(shown.k, dtype=bool))
    for j in range(shown.k):
        changed = (pictures[j] != shown.canvas).any(axis=-1)
        assert changed.any()
        assert np.array_equal(changed, (shown.segments == j) & different)


def test_all_on_is_the_canvas_and_all_off_the_fill():
    """The two ends of every explanation."""
    shown = scene()
    on, off = compose(shown, np.repeat([[True], [False]], shown.k, axis=1))
    assert np.array_equal(on, shown.canvas)
    assert np.array_equal(off, shown.fill)


@pytest.mark.parametrize("shift", [1, -1, 5])
def test_segments_that_do_not_start_at_zero_are_refused(shift):
    """Labels 1..k, the off-by-one that paints every weight one place off, are refused; relabelled they are taken."""
    good = scene()
    shifted = (good.segments + shift).astype(np.int32)
    with pytest.raises(ValueError, match=r"labelled 0\.\.k-1 with none missing"):
        Scene(good.canvas, shifted, good.fill)
    assert np.array_equal(Scene(good.canvas, relabel(shifted), good.fill).segments, good.segments)


def test_a_missing_label_is_refused():
    """A hole in the labels would be a superpixel that nobody can see."""
    good = scene()
    holed = np.where(good.segments >= 2, good.segments + 1, good.segments).astype(np.int32)
    with pytest.raises(ValueError, match="none missing"):
        Scene(good.canvas, holed, good.fill)


@pytest.mark.parametrize("name", ["canvas", "fill"])
@pytest.mark.parametrize("change", [lambda a: a[:-1], lambda a: a[..., :1], lambda a: a.astype(np.float32)])
def test_pictures_that_do_not_fit_the_segments_are_refused(name, change):
    """Canvas and fill are uint8, three channels, as high and wide as the segments; the error names which is not."""
    good = scene()
    parts = {"canvas": good.canvas, "segments": good.segments, "fill": good.fill}
    with pytest.raises(ValueError, match=f"{name} is .* expected uint8"):
        Scene(**(parts | {name: change(parts[name])}))


@pytest.mark.parametrize("change", [lambda s: s.astype(np.float64), lambda s: s[None], lambda s: s.astype(np.int64)])
def test_segments_of_another_kind_are_refused(change):
    """Segments are int32 [h, w]."""
    good = scene()
    with pytest.raises(ValueError, match=r"segments is .* expected int32"):
        Scene(good.canvas, change(good.segments), good.fill)
