import json
import re
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.methods import METHODS, check
from pipeline.methods.lime import Lime
from pipeline.recipe import FIRST, Recipe
from pipeline.recipes import RECIPES, STOPPING, recipe

CHANGED = {
    "method": "other",
    "segmenter": {"name": "grid", "n_segments": 50},
    "fill": "black",
    "design": "coin",
    "samples": 129,
    "seeds": (1, 2),
    "stopping": {"first": 4},
    "kernel_width": 0.25,
    "surrogate": {"name": "ridge", "alpha": 0.02},
    "labels": "all",
    "judge": False,
    "thorough": True,
    "denoise": 0.5,
    "options": {"width": 2},
    "precision": "bf16",
}


PINNED = [  # the first four as 0.1.0 before 2026-12 has them
    (RECIPES["default-2026"], "a68bdbb5f49240dd06116313404dfb1f4dbbbc3c54689b326c9649551133d417"),
    (RECIPES["adaptive-2026"], "65b885722f838326555befb7be6b135680c79a16c2dc76baa6d2b6726ea99e33"),
    (RECIPES["lime"], "8d1453047dbeee9b986fd3f034ae1797ca04fc9da945e21e68703a1c12ed92e9"),
    (RECIPES["lime-tree"], "f4738ea6cb37b4b5125a8139142b2c0c4fb59bb9f0285b547534888b9c801005"),
    (RECIPES["default"], "f8d75e0e9a933ceee0557cd58fe11065b8ce6b5c09f8f84f7963bbbde8f36fe5"),
    (RECIPES["adaptive"], "a96845edc9642e0588ae1fb05f700b4099175facc63a105d6f0d84c8be625a55"),
    (
        RECIPES["adaptive"].override({"stopping": STOPPING | {"confidence": 0.95}}),  # before it gave up
        "79020977e9070755cf6d16d6959c69ce338638dd79fc212808ebab0c287998ee",
    ),
    (RECIPES["shap"], "90670a3ee35bb1f3cb4c2f860bf8a87611e2db4d37f558070ffa95c78fa77dd5"),
    (RECIPES["occlusion"], "2c88530bcaef74674b82c653b8b50a6a48fc657ecc94008e0383b3bca6a804c0"),
    (RECIPES["rise"], "62802cd79bcb81fd176e0e1056fcfa146a38b5ab7601bab7d91b55ef47d3abb2"),
    (RECIPES["rise-paper"], "8e79d58daa1cf05881840f15d6bc4abc88cc176815e7b458daa7839ff6cacfd0"),
    (RECIPES["anchors"], "ef1418722e1e2a94da5cad3b19fb3ba93ffebe8243f168dd5d0b5fb545faa650"),
    (RECIPES["integrated-gradients"], "c44671c7a6173d65371accc78901a427c29f372177dcf6539861ab6792ed426a"),
    # The same as it was before there were meshes.
    (Recipe("a", method="integrated-gradients"), "8f37ad2297fe7e8f5f60706de6cfcd48cf081dc59e733742daf702e25d681fe1"),
    (RECIPES["xrai"], "ba967c0e3c7541ee2073c7c581517141e8ac5eb9b4a314661494d79d825c0875"),
    (
        RECIPES["default-2026"].override(
            {"segmenter.n_segments": 80, "fill": "blur", "labels": ["TRE"], "thorough": True, "denoise": 0.5}
        ),
        "af5bf51000cd2f8cae19a4ed29d3d23bd77b81a53fd9d3dac0024fa4bc530942",
    ),
]


def test_the_name_is_for_people_only():
    """Two recipes that differ in name alone have one digest, 64 hex digits."""
    digest = Recipe("default").digest
    assert digest == Recipe("mine").digest == RECIPES["default"].digest
    assert len(bytes.fromhex(digest)) == 32


@pytest.mark.parametrize("field", [field.name for field in fields(Recipe) if field.name != "name"])
def test_every_other_field_is_part_of_the_digest(field):
    """A recipe that differs in any other field has another digest: no explanation is mistaken for another's."""
    assert replace(Recipe("a"), **{field: CHANGED[field]}).digest != Recipe("a").digest


@pytest.mark.parametrize(("given", "digest"), PINNED)
def test_digests_stay(given, digest):
    """What an archive explained by the first version stays explained: its recipes' digests never change."""
    assert given.digest == digest
    assert Recipe.from_json(given.to_json()) == given


def test_a_later_field_at_its_default_is_no_part_of_a_recipe():
    """Neither of its digest nor of its JSON, which the version before has to read; otherwise it is part of both."""
    assert "options" not in Recipe("a").to_json()
    other = replace(Recipe("a"), options={"width": 2})
    assert other.to_json()["options"] == {"width": 2}
    assert Recipe.from_json(other.to_json()) == other
    assert set(Recipe("a").to_json()) == FIRST


def test_options_are_part_of_the_digest_and_their_order_is_not():
    """Each option of segmenter and surrogate counts; how they are ordered, and 1 against 1.0, does not."""
    ours = Recipe("a", surrogate={"name": "ridge", "alpha": 1}, kernel_width=1)
    assert ours.digest == Recipe("a", surrogate={"alpha": 1.0, "name": "ridge"}, kernel_width=1.0).digest
    assert ours.digest != Recipe("a", surrogate={"name": "ridge", "alpha": 1.5}, kernel_width=1).digest
    assert Recipe("a", seeds=(1, 2)).digest != Recipe("a", seeds=(2, 1)).digest


@pytest.mark.parametrize("given", [*RECIPES.values(), *(replace(Recipe("x"), **{k: v}) for k, v in CHANGED.items())])
def test_a_recipe_survives_json(given):
    """A recipe comes back from JSON text equal and with the same digest; a digest in the text is let pass."""
    text = json.dumps(given.to_json() | {"digest": given.digest})
    back = Recipe.from_json(json.loads(text))
    assert back == given
    assert back.digest == given.digest


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=12, unique=True), st.integers(4, 10**5))
def test_any_seeds_and_samples_survive_json(seeds, samples):
    """Whole numbers stay whole numbers, also beyond 2^31."""
    given = Recipe("x", seeds=tuple(seeds), samples=samples)
    assert Recipe.from_json(json.loads(json.dumps(given.to_json()))) == given


def test_what_is_left_out_is_the_default_s():
    """A JSON object with one field is the default recipe with that field changed."""
    assert Recipe.from_json({"samples": 64}) == replace(Recipe("custom"), samples=64)
    assert Recipe.from_json({"seeds": 7}).seeds == (7,)
    assert Recipe.from_json({"labels": ["TRE"]}).labels == ("TRE",)


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"samples": 64}, "samples", 64),
        ({"seeds": [3, 4]}, "seeds", (3, 4)),
        ({"kernel_width": 0.25}, "kernel_width", 0.25),
        ({"samples": "auto"}, "samples", "auto"),
        ({"segmenter.n_segments": 80}, "segmenter", {**Recipe("x").segmenter, "n_segments": 80}),
        ({"segmenter": "grid"}, "segmenter", {"name": "grid"}),
        ({"surrogate": "sklearn.svm.SVR"}, "surrogate", {"name": "sklearn.svm.SVR"}),
        ({"surrogate": "sklearn.svm.SVR", "surrogate.C": 3}, "surrogate", {"name": "sklearn.svm.SVR", "C": 3}),
        ({"labels": ["a", "b"]}, "labels", ("a", "b")),
    ],
)
def test_an_override_changes_its_field_and_no_other(changes, field, expected):
    """Every field can be overridden, options by their dotted name, and everything else stays."""
    before = Recipe("x")
    after = before.override(changes)
    assert getattr(after, field) == expected
    assert replace(after, **{field: getattr(before, field)}) == before


def test_reseeding_keeps_the_number_of_seeds():
    """As many seeds as before, ten apart from the one given."""
    assert Recipe("x").reseed(1).seeds == Recipe("x").seeds == (1, 11, 21, 31, 41, 51, 61, 71, 81)
    assert RECIPES["lime"].reseed(5).seeds == (5,)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"segmenter": {"name": "watershed"}}, "segmenter is 'watershed'"),
        ({"segmenter": {}}, "segmenter is {}, expected an object with a name"),
        ({"segmenter": "slic"}, "segmenter is 'slic', expected an object with a name"),
        ({"surrogate": {"alpha": 1}}, "surrogate is .*expected an object with a name"),
        ({"surrogate": None}, "surrogate is None"),
        ({"design": "dice"}, "design is 'dice'"),
        ({"fill": "white"}, "fill is 'white'"),
        ({"fill": None}, "fill is None"),
        ({"samples": 0}, "samples is 0"),
        ({"samples": 3}, "samples is 3, expected auto or a whole number from 4"),
        ({"samples": 12.0}, "samples is 12.0"),
        ({"samples": "128"}, "samples is '128'"),
        ({"samples": True}, "samples is True"),
        ({"samples": "Auto"}, "samples is 'Auto', expected auto or a whole number from 4"),
        ({"samples": None}, "samples is None"),
        ({"seeds": []}, r"seeds are \[\]"),
        ({"seeds": [1, 1]}, "no two alike"),
        ({"seeds": [-1]}, "seeds is -1"),
        ({"seeds": [2**32]}, "seeds is 4294967296"),
        ({"seeds": [[1]]}, r"seeds is \[1\]"),
        ({"seeds": "1,2"}, "seeds is '1,2'"),
        ({"seeds": list(range(20)), "samples": 10**6}, "more than 10000000 evaluations"),
        ({"stopping": True}, "stopping is True, expected null or an object of first, step, top, precision, gap, tie"),
        (
            {"stopping": {"futil": 9}},
            r"stopping has no 'futil' \(did you mean futility\?\); there are first, step, top",
        ),
        ({"stopping": {"first": 1}}, "stopping.first is 1, expected a whole number of at least 2"),
        ({"stopping": {"step": 0}}, "stopping.step is 0, expected a whole number of at least 1"),
        ({"stopping": {"top": 2.5}}, "stopping.top is 2.5"),
        ({"stopping": {"step": True}}, "stopping.step is True"),
        ({"stopping": {"precision": -1}}, "stopping.precision is -1, expected a number of at least 0"),
        ({"stopping": {"tie": "0.1"}}, "stopping.tie is '0.1'"),
        ({"stopping": {"confidence": 0}}, "stopping.confidence is 0, expected a share between 0 and 1, or null"),
        ({"stopping": {"confidence": 1}}, "stopping.confidence is 1, expected a share"),
        ({"stopping": {"confidence": "0.95"}}, "stopping.confidence is '0.95'"),
        ({"stopping": {"confidence": True}}, "stopping.confidence is True"),
        ({"stopping": {"futility": 0}}, "stopping.futility is 0, expected a share between 0 and 1, or null"),
        ({"stopping": {"futility": 1}}, "stopping.futility is 1, expected a share"),
        ({"stopping": {"ratio": 0}}, "stopping.ratio is 0, expected a number above 0, or null"),
        ({"stopping": {"ratio": "0.1"}}, "stopping.ratio is '0.1'"),
        ({"stopping": {"tie": float("nan")}}, r"stopping is \{'tie': nan\}"),
        ({"kernel_width": 0}, "kernel_width is 0"),
        ({"kernel_width": -0.25}, "kernel_width is -0.25"),
        ({"kernel_width": "0.25"}, "kernel_width is '0.25'"),
        ({"kernel_width": float("nan")}, "kernel_width is nan"),
        ({"kernel_width": float("inf")}, "kernel_width is inf"),
        ({"labels": ""}, "labels is ''"),
        ({"labels": []}, r"labels is \(\)"),
        ({"labels": ["a", "a"]}, "labels is .*no two alike"),
        ({"labels": 5}, "labels is 5"),
        ({"labels": [["a"]]}, r"labels is \(\['a'\],\), expected top, all or names"),
        ({"labels": [5]}, r"labels is \(5,\), expected top, all or names"),
        ({"judge": 1}, "judge is 1, expected true or false"),
        ({"thorough": "yes"}, "thorough is 'yes', expected true or false"),
        ({"thorough": True, "judge": False}, "thorough is true, which needs judge"),
        ({"denoise": 0}, "denoise is 0, expected a share above 0 up to 1"),
        ({"denoise": 1.5}, "denoise is 1.5, expected a share"),
        ({"denoise": True}, "denoise is True, expected a share"),
        ({"sample": 128}, r"unknown field sample \(did you mean samples\?\); there are denoise, design, fill"),
    ],
)
def test_a_bad_value_is_refused_by_its_field(value, message):
    """Each bad value is refused before any work, naming the field and the value."""
    with pytest.raises(ValueError, match=message):
        Recipe.from_json(value)


def test_an_override_of_what_is_not_there_is_refused():
    """A mistyped path is refused by its whole name."""
    with pytest.raises(ValueError, match=r"unknown field samples\.x"):
        Recipe("x").override({"samples.x": 1})
    with pytest.raises(ValueError, match=r"unknown field kernel \(did you mean kernel_width\?\);"):
        Recipe("x").override({"kernel": 1})
    for made in (Recipe("x"), recipe("adaptive")):
        with pytest.raises(ValueError, match=r"stopping has no 'last'; there are first, step"):
            made.override({"stopping.last": 1})


def test_a_rule_of_stopping_is_set_where_there_was_none():
    """As an object with the rest left out is: by one of its fields alone."""
    changed = recipe("default").override({"stopping.top": 3, "stopping.futility": 0.1})
    assert changed.stopping == {"top": 3, "futility": 0.1}
    with pytest.raises(ValueError, match="method occlusion has no use for stopping"):
        check(recipe("occlusion").override({"stopping.top": 3}), ("a",))


def test_the_lime_recipe_is_the_lime_package_s_defaults_to_the_letter():
    """Quickshift 4/200/0.2, mean fill, coin flips, cosine kernel 0.25, Ridge 1, 1000 samples, the top label."""
    assert {key: value for key, value in recipe("lime").to_json().items() if key not in ("name", "seeds")} == {
        "method": "lime",
        "segmenter": {"name": "quickshift", "kernel_size": 4, "max_dist": 200, "ratio": 0.2},
        "fill": "mean",
        "design": "coin",
        "samples": 1000,
        "stopping": None,
        "kernel_width": 0.25,
        "surrogate": {"name": "ridge", "alpha": 1.0},
        "labels": "top",
        "judge": False,
        "thorough": False,
        "denoise": None,
    }
    assert len(recipe("lime").seeds) == 1


def test_the_default_recipe_is_nine_seeds_of_an_orthogonal_design():
    """SLIC of about 50, mean fill, whole blocks of Hadamard with fold-over that all weigh alike, the nine seeds 1, 11,
    ... 81."""
    default = recipe("default")
    assert (default.segmenter["name"], default.segmenter["n_segments"]) == ("slic", 50)
    assert (default.fill, default.design, default.samples, default.kernel_width) == ("mean", "hadamard", "auto", None)
    assert default.seeds == tuple(range(1, 82, 10))


@pytest.mark.parametrize(("k", "drawn"), [(6, 16), (31, 64), (32, 128), (63, 128), (64, 256), (120, 256)])
def test_auto_draws_a_whole_block(k, drawn):
    """Twice the next power of two above the number of superpixels: one column of the block is the mean's."""
    assert Recipe("x").drawn(k) == drawn
    assert Recipe("x", samples=128).drawn(k) == 128


def test_the_recipes_of_2026_are_the_new_ones_but_for_what_changed():
    """The masks of a seed and their weights, and for the adaptive one the measure of its gap and that it gives up: an
    archive that uses them stays comparable."""
    before = {"samples": 128, "kernel_width": 0.25}
    assert recipe("default").override(before).digest == recipe("default-2026").digest
    adaptive = recipe("adaptive").override(before)
    assert replace(adaptive, stopping=recipe("adaptive-2026").stopping).digest == recipe("adaptive-2026").digest
    old, new = recipe("adaptive-2026").rounds(), recipe("adaptive").rounds()
    assert (old.confidence, new.confidence, old.futility, new.futility) == (None, 0.95, None, 0.1)
    assert replace(new, confidence=None, futility=None) == old


def test_the_lime_tree_recipe_is_black_fill_and_a_decision_tree():
    """As the Vantage article does it; all else is lime's."""
    tree, lime = recipe("lime-tree"), recipe("lime")
    assert (tree.fill, tree.surrogate) == ("black", {"name": "sklearn.tree.DecisionTreeRegressor"})
    assert replace(tree, name="lime", fill=lime.fill, surrogate=lime.surrogate) == lime


def test_a_recipe_is_found_by_its_name():
    """Each preset stands under its own name; another name lists them."""
    assert all(recipe(name).name == name for name in RECIPES)
    with pytest.raises(ValueError, match=re.escape(f"there is no recipe 'lemon'; there are {', '.join(RECIPES)}")):
        recipe("lemon")


LABELS = ("BETONG", "STAAL", "TRE")


@pytest.mark.parametrize("labels", ["top", "all", "TRE", ("TRE", "STAAL")])
def test_a_recipe_s_labels_are_the_model_s(labels):
    """Top, all, one name and several make an explainer for a model that has them."""
    assert Lime(replace(Recipe("x"), labels=labels), LABELS).recipe.labels == labels


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ("TRE", "STEEL")}, r"no label 'STEEL' \(did you mean STAAL\?\); it has BETONG, STAAL, TRE"),
        ({"labels": "tre"}, "the model has no label 'tre'"),
        ({"labels": ("top",)}, "the model has no label 'top'"),
        ({"labels": ("all", "TRE")}, "the model has no label 'all'"),
        ({"method": "dice"}, re.escape(f"method is 'dice', expected one of {', '.join(METHODS)}")),
        ({"surrogate": {"name": "sklearn.neighbors.KNeighborsRegressor"}}, "takes no sample weights"),
        ({"surrogate": {"name": "ridge", "alfa": 1}}, "surrogate ridge: options"),
        ({"options": {"width": 2}}, "method lime has no option 'width'; it has none"),
    ],
)
def test_an_explainer_that_could_not_answer_is_refused_at_once(changes, message):
    """Labels the model lacks, unknown methods and impossible surrogates are refused before the model is asked."""
    with pytest.raises(ValueError, match=message):
        check(replace(Recipe("x"), **changes), LABELS)


def test_a_thousand_labels_are_not_all_listed():
    """The error shows the first twelve labels and counts the rest."""
    with pytest.raises(ValueError, match=r"L11 and 988 more$"):
        check(replace(Recipe("x"), labels=("no",)), [f"L{i}" for i in range(1000)])


def test_a_dozen_labels_are():
    """And nothing is said of more; one is too many."""
    for labels, told in ((12, "L10, L11"), (13, "L11 and 1 more")):
        with pytest.raises(ValueError, match=f", {told}$"):
            check(replace(Recipe("x"), labels=("no",)), [f"L{i}" for i in range(labels)])
