"""The registry: versions of models, and the files behind them."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from storage.blobs import FolderBlobs
from storage.registry import Registry, split_reference
from tests.played_ledger import at_once, engine_of, model


@pytest.fixture
def registry(database_url: str, blobs_folder: Path) -> Iterator[Registry]:
    """A registry with nothing in it."""
    with engine_of(database_url) as engine:
        yield Registry(engine, FolderBlobs(blobs_folder))


def test_versions_count_up(registry: Registry) -> None:
    """Each name counts for itself, from 1, and goes on after the highest."""
    found = [registry.add(model("poles", onnx))[0] for onnx in (b"1", b"2")]
    found += [registry.add(model("cats", b"1"))[0], registry.add(model("poles", b"7"), version=7)[0]]
    found += [registry.add(model("poles", b"8"))[0]]
    assert [str(one) for one in found] == ["poles@1", "poles@2", "cats@1", "poles@7", "poles@8"]
    assert [str(one) for one in registry.all()] == ["cats@1", "poles@1", "poles@2", "poles@7", "poles@8"]


def test_the_same_model_is_the_version_it_was(registry: Registry) -> None:
    """Bytes, labels and profile decide; any of them changed is another version."""
    first, new = registry.add(model())
    assert new
    assert registry.add(model()) == (first, False)
    assert registry.add(model(), version=1) == (first, False)
    other, new = registry.add(replace(model(), labels=("no", "yes")))
    assert (other.version, new) == (2, True)


def test_a_version_is_never_overwritten(registry: Registry) -> None:
    """Not by another model, nor is the same model given a second number."""
    registry.add(model())
    with pytest.raises(ValueError, match="planted@1 exists with other content; leave the version out for 2"):
        registry.add(model(onnx=b"other"), version=1)
    with pytest.raises(ValueError, match="planted@1 is this very model already"):
        registry.add(model(), version=5)
    assert len(registry.all()) == 1


def test_models_registered_at_once_get_versions_of_their_own(registry: Registry) -> None:
    """Different ones no two alike, the same one the same."""
    found = at_once(*[partial(registry.add, model(onnx=bytes([number]))) for number in range(8)])
    assert sorted(version.version for version, _ in found) == list(range(1, 9))
    found = at_once(*[partial(registry.add, model(onnx=b"same"))] * 8)
    assert len({version.id for version, _ in found}) == 1
    assert [new for _, new in found].count(True) == 1


def test_a_reference_finds_its_version(registry: Registry) -> None:
    """With a number that one, without the newest; what is not there is named, with the way to what is."""
    for onnx in (b"1", b"2", b"3"):
        registry.add(model("poles", onnx))
    found = [registry.find(reference).version for reference in ("poles", "poles@latest", "poles@2")]
    assert found == [3, 3, 2]
    assert registry.find("Poles@2").version == 2
    for reference, told in (("pole", r" \(did you mean poles\?\)"), ("cats", ""), ("poles@4", ".*the newest 3")):
        with pytest.raises(ValueError, match=f"there is no model {reference}{told}; `polelens models list`"):
            registry.find(reference)


def test_names_that_differ_by_case_alone_are_two(registry: Registry) -> None:
    """Each is found as it is written, and neither as anything between."""
    registry.add(model("Poles", b"1"))
    registry.add(model("poles", b"2"))
    assert [registry.find(name).name for name in ("poles", "Poles")] == ["poles", "Poles"]
    with pytest.raises(ValueError, match="there is no model POLES"):
        registry.find("POLES")


def test_a_model_is_loaded_whole(registry: Registry) -> None:
    """What was registered comes back, and with it the same identity."""
    given = replace(model(), batch=False, facts={"opset": 12, "warnings": ["old"], "sizes": (1, 2)})
    version, _ = registry.add(given)
    found = registry.load(version.id)
    assert (found.onnx, found.labels, found.profile) == (given.onnx, given.labels, given.profile)
    assert (found.sha256, found.batch, found.digest) == (given.sha256, False, version.digest)
    assert found.facts == {"opset": 12, "warnings": ["old"], "sizes": [1, 2]}
    assert (version.labels, version.profile, version.facts) == (given.labels, given.profile, found.facts)


@pytest.mark.parametrize(
    ("reference", "parts"),
    [("poles", ("poles", None)), ("poles@2", ("poles", 2)), ("p@latest", ("p", None))],
)
def test_a_reference_has_a_name_and_perhaps_a_version(reference: str, parts: tuple[str, int | None]) -> None:
    """After an @ stands a whole number, or latest, or nothing."""
    assert split_reference(reference) == parts


@pytest.mark.parametrize(
    "reference", ["", "@1", "a b", "a/b", "p@", "p@0", "p@-1", "p@1.5", "p@two", "p@1@2", "p@2147483648"]
)
def test_a_reference_that_is_none_is_refused(reference: str) -> None:
    """The error repeats it."""
    with pytest.raises(ValueError, match=f"model is '{reference}'"):
        split_reference(reference)
