"""Bad input: whatever the bytes or the words, the answer is a result or one clear sentence, and nothing else."""

import json
from collections.abc import Callable
from typing import TypeVar

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.model.admission import read_model
from pipeline.model.model import ModelRefused
from pipeline.model.normalised import normalise
from pipeline.recipe import Recipe
from pipeline.scene.photograph import Unreadable, decode
from polelens.asked import Asked
from polelens.cli.explain import Rectangle
from storage.registry import split_reference
from tests import corpus, models

T = TypeVar("T")
READERS = corpus.readers()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [*Recipe("any").to_json(), "digest", "nothing"]
NAMES = st.sampled_from(["slic", "quickshift", "ridge", "sklearn.linear_model.Ridge", "os.system", ""])
NAMED = st.dictionaries(st.sampled_from(["name", "alpha", "n_segments"]), NAMES | JSON)
PLAUSIBLE = JSON | NAMED | st.sampled_from(["mean", "#ff0000", "coin", "top", "all", [1, 11], ["TRE"], 16, 0.5, True])


@pytest.mark.parametrize("name", corpus.odd_photographs())
def test_an_odd_photograph_is_read(name: str) -> None:
    """Unusual is not bad."""
    READERS["photograph"].check(corpus.odd_photographs()[name])
    assert decode(corpus.odd_photographs()[name]).size


@pytest.mark.parametrize("name", corpus.bad_photographs())
def test_a_bad_photograph_is_refused_with_its_reason(name: str) -> None:
    """The reason fits on a line."""
    data, reason = corpus.bad_photographs()[name]
    with pytest.raises(Unreadable) as refused:
        decode(data)
    assert reason in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_reader_reads_or_refuses(name: str, data: st.DataObject) -> None:
    """Any bytes, and any change of a few bytes in good ones; `make fuzz` looks for longer."""
    reader = READERS[name]
    changes = st.lists(st.tuples(st.integers(0, 10**5), st.binary(max_size=4)), max_size=4)
    given_bytes = bytearray(data.draw(st.binary(max_size=64) | st.sampled_from(reader.seeds)))
    for place, new in data.draw(changes):
        start = place % (len(given_bytes) + 1)
        given_bytes[start : start + len(new)] = new
    reader.check(bytes(given_bytes))


@pytest.mark.parametrize("location", ["../../etc/passwd", "/etc/passwd", "weights.bin", "a/../../b", "", "\0"])
def test_no_other_file_is_ever_read_for_a_model(location: str) -> None:
    """External data is refused, wherever it is said to be."""
    with pytest.raises(ModelRefused, match=r"keeps its weights .* in another file"):
        normalise(corpus.external(location))


def test_a_model_may_count() -> None:
    """Loops that end are part of ONNX; those that do not are ended by a limit of time."""
    assert normalise(corpus.counting(3)).opset == 12


def test_a_name_with_a_nul_is_refused() -> None:
    """Postgres holds none, in a text or in JSON."""
    with pytest.raises(ModelRefused, match="NUL"):
        read_model(models.custom_vision_zip(models.Network(labels=("yes", "n\0"))), name="any")
    with pytest.raises(ModelRefused, match="NUL"):
        read_model(models.custom_vision_onnx().replace(b"data", b"da\0a"), name="any")


@settings(max_examples=400)
@given(JSON | st.dictionaries(st.sampled_from(FIELDS), PLAUSIBLE, max_size=4))
def test_any_json_is_a_recipe_or_refused(value: object) -> None:
    """A recipe comes back from its JSON as it was, with the same digest."""
    try:
        made = Recipe.from_json(value)  # type: ignore[arg-type]  whatever a file holds
    except ValueError as refused:
        assert str(refused).strip()
    else:
        again = Recipe.from_json(json.loads(json.dumps(made.to_json(), allow_nan=False)))
        assert (again, again.digest) == (made, made.digest)


@settings(max_examples=400)
@given(st.sampled_from(FIELDS) | st.text(max_size=12), PLAUSIBLE.map(json.dumps) | st.text())
def test_any_word_after_set_is_a_recipe_or_refused(field: str, value: str) -> None:
    """`--set FIELD=VALUE`, whatever both are: what is taken comes back from its JSON as it was."""
    made = _made_or(ValueError, lambda: Asked("default", None, None, (f"{field}={value}",), ()).recipe())
    assert made is None or Recipe.from_json(made.to_json()) == made


@pytest.mark.parametrize("value", ["[" * 100_000, "9" * 5000, "NaN", "-Infinity", '"\\ud800"'])
def test_a_value_that_json_chokes_on_is_refused_by_its_field(value: str) -> None:
    """Too deep, too long, or no number at all."""
    for field in ("samples", "seeds", "judge"):
        with pytest.raises(ValueError, match=r"^recipe: "):
            Asked("default", None, None, (f"{field}={value}",), ()).recipe()


@settings(max_examples=300)
@given(st.text() | st.from_regex(r"[a-z]+@[0-9]+", fullmatch=True))
def test_any_reference_is_a_model_s_or_refused(text: str) -> None:
    """What is taken is a name that prints, and a version that Postgres can hold."""
    try:
        name, version = split_reference(text)
    except ValueError as refused:
        assert str(refused).startswith("model is ")
    else:
        assert name.isprintable()
        assert version is None or 1 <= version < 2**31


@pytest.mark.parametrize("reference", ["poles@" + "9" * 5000, "po\udcffles", "po\nles", "a\x1b[31m", "poles@-1"])
def test_a_reference_that_no_model_can_have_is_refused(reference: str) -> None:
    """Numbers beyond all bounds, and names that a terminal or Postgres chokes on."""
    with pytest.raises(ValueError, match=r"^model is "):
        split_reference(reference)


@settings(max_examples=300)
@given(st.text() | st.lists(st.floats().map(str) | st.text(max_size=5), min_size=3, max_size=5).map(",".join))
def test_any_box_is_four_numbers_or_wrong_usage(text: str) -> None:
    """Whether they lie in the photograph shows when it is read."""
    box = _made_or(click.BadParameter, lambda: Rectangle().convert(text, None, None))
    assert box is None or [type(number) for number in box] == [float] * 4


def _made_or(refusal: type[Exception], make: Callable[[], T]) -> T | None:
    """What was made, or None if it was refused with a word."""
    try:
        return make()
    except refusal as refused:
        assert str(refused).strip()
        return None
