"""The list of changes that need not be noticed argues about the code that is there."""

import importlib
import inspect
from functools import reduce

import pytest

from tests.mutants import Argued, argued, place


def source(function):
    """The lines of a function or method, by its dotted name."""
    owner, _, name = function.rpartition(".")
    if not owner.islower():  # a class, and before it the module
        owner, _, cls = owner.rpartition(".")
        name = f"{cls}.{name}"
    return inspect.getsource(reduce(getattr, name.split("."), importlib.import_module(owner)))


@pytest.mark.parametrize("one", argued(), ids=lambda one: f"{one.function}: {one.now or one.was}")
def test_an_argument_is_about_a_line_that_is_there(one):
    """Whoever changes the line argues anew; and an argument has a reason."""
    assert one.was in [line.strip() for line in source(one.function).splitlines()]
    assert one.why.endswith(".")


@pytest.mark.parametrize(
    ("mutant", "function"),
    [
        ("pipeline.judge.verdict.x_agreement__mutmut_12", ("pipeline.judge.verdict", "agreement")),
        ("pipeline.judge.verdict.x__few__mutmut_2", ("pipeline.judge.verdict", "_few")),
        ("pipeline.answer.attribution.xǁLabelǁ_of__mutmut_1", ("pipeline.answer.attribution", "Label._of")),
    ],
)
def test_a_mutant_is_found_by_its_function(mutant, function):
    """By mutmut's names, where a method stands between two marks."""
    assert place(mutant) == function


def test_an_argument_covers_its_change_alone():
    """Or every change of the line, where it says none."""
    one, all_of_it = Argued("f", "a < b", "Equal.", "a <= b"), Argued("f", "a < b", "Words.")
    assert [entry.covers("f", "a < b", "a <= b") for entry in (one, all_of_it)] == [True, True]
    assert [entry.covers("f", "a < b", "a > b") for entry in (one, all_of_it)] == [False, True]
    assert [entry.covers("g", "a < b", "a <= b") for entry in (one, all_of_it)] == [False, False]
