import numpy as np
import skimage.data

from pipeline.model.profile import Profile
from pipeline.recipes import RECIPES
from pipeline.scene.fills import fill
from pipeline.scene.segments import segment
from pipeline.staging import pack, scene_digest, stage, unpack

PHOTOGRAPH = skimage.data.chelsea()
PROFILE = Profile(64)
RECIPE = RECIPES["default"]


def test_a_scene_is_the_profile_s_canvas_with_the_recipe_s_segments_and_fill():
    """Staging is canvas, then segments of the canvas, then the fill of both."""
    scene = stage(
        PHOTOGRAPH, PROFILE, RECIPE.override({"segmenter": {"name": "grid", "n_segments": 9}, "fill": "#102030"})
    )
    assert np.array_equal(scene.canvas, PROFILE.canvas(PHOTOGRAPH))
    assert np.array_equal(scene.segments, segment(scene.canvas, "grid", {"n_segments": 9}))
    assert np.array_equal(scene.fill, fill(scene.canvas, scene.segments, "#102030"))


def test_every_named_recipe_stages():
    """The segmenter and fill of each named recipe work on a photograph."""
    for recipe in RECIPES.values():
        assert stage(PHOTOGRAPH, Profile(160), recipe).k > 10


def test_a_scene_survives_its_bytes():
    """What a worker unpacks is what was packed, to the bit."""
    scene = stage(PHOTOGRAPH, PROFILE, RECIPE)
    back = unpack(pack(scene))
    for name in ("canvas", "segments", "fill"):
        assert np.array_equal(getattr(back, name), getattr(scene, name))
        assert getattr(back, name).dtype == getattr(scene, name).dtype


def test_scenes_are_shared_by_what_agrees_on_them():
    """Normalisation, colour order, samples, seeds and surrogate do not make another scene."""
    digest = scene_digest("ab12", PROFILE, RECIPE)
    normalised = Profile(64, color="bgr", mean=(1, 2, 3), scale=(127, 127, 127))
    assert scene_digest("ab12", normalised, RECIPE) == digest
    assert scene_digest("ab12", PROFILE, RECIPE.override({"samples": 16, "seeds": [5], "name": "x"})) == digest
    assert scene_digest("ab12", PROFILE, RECIPE.override({"surrogate.alpha": 3, "design": "coin"})) == digest


def test_scenes_differ_by_what_decides_them():
    """Another photograph, size, crop, segmenter, segmenter option or fill is another scene."""
    digests = {
        scene_digest("ab12", PROFILE, RECIPE),
        scene_digest("ab13", PROFILE, RECIPE),
        scene_digest("ab12", Profile(65), RECIPE),
        scene_digest("ab12", Profile(64, "stretch"), RECIPE),
        scene_digest("ab12", Profile(64, "shorter-side", 70), RECIPE),
        scene_digest("ab12", Profile(64, "shorter-side", 71), RECIPE),
        scene_digest("ab12", PROFILE, RECIPE.override({"segmenter": "grid"})),
        scene_digest("ab12", PROFILE, RECIPE.override({"segmenter.n_segments": 60})),
        scene_digest("ab12", PROFILE, RECIPE.override({"fill": "black"})),
    }
    assert len(digests) == 9
