import doctest
import importlib
import pkgutil

import pytest

import pipeline
import polelens
import storage
import tasks

FOUND = [
    module.name
    for package in (pipeline, polelens, storage, tasks)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]
MODULES = sorted(name for name in FOUND if not name.endswith(".__main__"))  # which runs when it is imported


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_a_module_are_true(name):
    """What a docstring shows is what happens."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples():
    """The core teaches by example: were the doctests not found, the test above could not fail."""
    finder = doctest.DocTestFinder()
    examples = [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(examples) >= 4
