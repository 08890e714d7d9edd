"""The files that a person opens: what is painted of an answer that is a heat map."""

from dataclasses import replace

import numpy as np

from pipeline.answer.attribution import Attribution, Denoised, Errors, LabelAttribution, laid
from pipeline.model.profile import Profile
from pipeline.pictures import GREEN_RED, Backdrop
from pipeline.pictures.rendering import Style, rendered


def test_a_heat_map_is_painted_as_strong_in_a_large_superpixel_as_in_a_small_one() -> None:
    """Sums over superpixels are painted as means, on every picture; only what is kept as support goes by the sums."""
    canvas = np.full((32, 32, 3), 120, dtype=np.uint8)
    segments = np.zeros((32, 32), dtype=np.int32)
    segments[:4], segments[4:8] = 1, 2
    means = np.array([0.5, 0.5, -0.25])
    heat = means[segments].astype(np.float32)
    sums = laid(heat, segments)
    denoised = Denoised((2,), {"yes": 0.8, "no": 0.2}, sums, np.zeros(3), np.nan)
    errors = Errors(np.zeros(3), np.stack([sums, -sums]))
    by_heat = LabelAttribution("yes", sums, errors, heat=heat, denoised=denoised)
    by_means = replace(
        by_heat,
        weights=means,
        errors=Errors(np.zeros(3), np.stack([means, -means])),
        heat=None,
        denoised=replace(denoised, weights=means),
    )
    files, expected, plain = (
        files_of(Backdrop(canvas, Profile(32).placement(32, 32), segments), one)
        for one in (by_heat, by_means, replace(by_heat, heat=None))
    )
    assert set(files) - set(expected) == {"heat.png"}
    for name in ("overlay.png", "seeds.png", "denoised.png"):
        assert files[name] == expected[name] != plain[name]
    assert files["support.png"] == plain["support.png"] != expected["support.png"]


def files_of(backdrop: Backdrop, label: LabelAttribution) -> dict[str, bytes]:
    """The pictures of an answer with this label."""
    answer = Attribution({"yes": 0.7, "no": 0.3}, None, 9, (label,))
    return dict(rendered(backdrop, np.zeros_like(backdrop.photograph), answer, [1, 11], Style(GREEN_RED)))
