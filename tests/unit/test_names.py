"""What belongs to which photograph: each label, mask and box reaches its own, or is named."""

import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.text import folded
from storage.boxes import boxes
from storage.labels import labels
from storage.names import Matcher, Named, Place, parts

WORD = st.text(st.sampled_from("abAB01_åÅøØéñÉ한ü ß"), min_size=1, max_size=4).map(str.strip).filter(bool)
FOLDERS = st.lists(WORD, max_size=3)
SUFFIX = st.sampled_from([".jpg", ".JPG", ".png"])
FORMS = ("NFC", "NFD", "as it is")


def place(name: str, root: str = "/data/archive") -> Place:
    return Place(name, f"{root}/{name}")


def given_out(told: dict[str, str], *names: str, root: str = "") -> dict[str, str | None]:
    """What each of these photographs gets."""
    matcher = Matcher(Named(tuple(told.items()), (), root))
    for name in names:
        matcher.see(place(name))
    return {name: matcher.of(place(name)) for name in names}


@st.composite
def archives(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Names of photographs, no two of which are one but for case or form, each with its parts as they are compared."""
    found = draw(st.lists(st.tuples(FOLDERS, WORD, SUFFIX), min_size=1, max_size=8))
    names = ("/".join([*folders, stem + suffix]) for folders, stem, suffix in found)
    by_parts = {tuple(map(folded, parts(name))): name for name in names}
    return {name: compared for compared, name in by_parts.items()}


def written(draw: st.DrawFn, name: str) -> str:
    """A name as another program writes it down: with other separators, in another form or case, below another root."""
    form = draw(st.sampled_from(FORMS))
    text = name if form == "as it is" else unicodedata.normalize(form, name)
    text = draw(st.sampled_from([str, str.upper, str.lower, str]))(text)
    text = draw(st.sampled_from(["", "./", "/home/kari/photos/", "C:/bilder/2026/", "archive/"])) + text
    return text.replace("/", draw(st.sampled_from(["/", "\\", "//"])))


@settings(max_examples=400, deadline=None)
@given(st.data(), archives())
def test_each_reaches_its_own_or_is_named(data: st.DataObject, archive: dict[str, tuple[str, ...]]) -> None:
    """Whatever a program makes of names, no photograph gets another's, and nothing told is lost without a word."""
    told = {written(data.draw, name): name for name in archive if data.draw(st.booleans())}
    assume(len({tuple(map(folded, parts(path))) for path in told}) == len(told))
    matcher = Matcher(Named(tuple(told.items())))
    for name in archive:
        matcher.see(place(name))
    got = {name: matcher.of(place(name)) for name in archive}
    named = {told[path] for path in [*matcher.unmatched(), *matcher.ambiguous()]}
    for name, value in got.items():
        assert value in (None, name)
        assert value is not None or name not in told.values() or name in named


@settings(max_examples=200, deadline=None)
@given(st.data(), archives())
def test_labels_masks_and_boxes_agree_on_whose_they_are(data: st.DataObject, archive: dict[str, object]) -> None:
    """The same paths in a table, in a file of boxes and in a folder of masks reach the same photographs."""
    assume(all(PurePosixPath(name).stem.strip() == PurePosixPath(name).stem for name in archive))
    paths = {name: data.draw(st.sampled_from([name, name.replace("/", "\\")])) for name in archive}
    table = "".join(f'"{path}",{number}\n' for number, path in enumerate(paths.values()))
    drawn = "name,x,y,width,height\n" + "".join(f'"{path}",{n},0,1,1\n' for n, path in enumerate(paths.values()))
    files = tuple((name.removesuffix(PurePosixPath(name).suffix), n) for n, name in enumerate(paths))
    matchers = (
        Matcher(labels(table.encode())),
        Matcher(boxes(drawn.encode())),
        Matcher(Named(files, (), "/data/masks")),
    )
    for name in archive:
        for matcher in matchers:
            matcher.see(place(name))
    for number, name in enumerate(paths):
        label, boxed, mask = (matcher.of(place(name)) for matcher in matchers)
        assert label in (None, str(number))
        assert boxed is None or boxed.boxes[0].x == number
        assert (label is None) == (boxed is None)
        assert mask in (None, number)


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("nord\\0001.png", "nord/0001.png"),
        ("C:\\Users\\kari\\bilder\\nord\\0001.png", "nord/0001.png"),
        ("bla\u030abær.png", "blåbær.png"),
        ("blåbær.png", "bla\u030abær.png"),
        ("dsc_7.png", "DSC_7.PNG"),
        ("NORD/DSC_7.PNG", "nord/dsc_7.png"),
        ("archive/nord/0001.png", "nord/0001.png"),
        ("0001.png", "nord/0001.png"),
        ("nord/0001", "nord/0001.png"),
        ("s3://bucket/nord/0001.png", "nord/0001.png"),
        ("./nord//0001.png", "nord/0001.png"),
    ],
)
def test_a_path_of_another_machine_reaches_its_photograph(told: str, name: str) -> None:
    """Separators, forms, case, roots, a missing suffix."""
    assert given_out({told: "TRE"}, name, "other.png")[name] == "TRE"


def test_the_longest_common_end_counts() -> None:
    """Folders tell photographs of one name apart."""
    names = ("nord/0001.png", "sor/0001.png", "0001.png")
    told = {f"/home/kari/{name}": name for name in names[:2]}
    assert given_out(told, *names) == {**dict.fromkeys(names[:2]), **{name: name for name in names[:2]}, names[2]: None}
    assert given_out({"nord/0001": "mask"}, *names, root="/data/masks") == {
        "nord/0001.png": "mask",
        "sor/0001.png": None,
        "0001.png": None,
    }
    assert given_out({"0001": "mask"}, *names, root="/data/masks/sor")["sor/0001.png"] == "mask"


def test_what_may_be_several_is_nobody_s_and_named() -> None:
    """One mask for two photographs of a name, two labels for one photograph."""
    matcher = Matcher(Named((("0001", "a mask"),), (), "/data/masks"))
    for name in ("nord/0001.png", "sor/0001.png"):
        matcher.see(place(name))
    assert [matcher.of(place(name)) for name in ("nord/0001.png", "sor/0001.png")] == [None, None]
    assert (matcher.ambiguous(), matcher.unmatched()) == (["0001"], [])
    two = Matcher(labels(b"m1.png,TRE\nm1.png,TRAFO\nM2.png,TRE\nm2.png,TRE\nm3.png,TRE\n"))
    for name in ("m1.png", "m2.png"):
        two.see(place(name))
    assert [two.of(place(name)) for name in ("m1.png", "m2.png")] == [None, "TRE"]
    assert two.ambiguous() == ["m1.png", "m1.png"]
    assert "m3.png" in two.unmatched()


def test_a_photograph_gets_nothing_of_a_folder_that_it_is_not_in() -> None:
    """`nord/0001.png` is not `sor/0001.png`, even if nobody else is there to take it."""
    assert given_out({"nord/0001.png": "TRE"}, "sor/0001.png") == {"sor/0001.png": None}


def test_a_name_told_wholly_is_not_another_s_end() -> None:
    """`0001.png` is the one in the archive's root, if there is one."""
    assert given_out({"0001.png": "1"}, "0001.png", "nord/0001.png") == {"0001.png": "1", "nord/0001.png": None}


def test_case_tells_apart_what_nothing_else_does() -> None:
    """Where both are there."""
    assert given_out({"a.png": "1", "A.png": "2"}, "a.png", "A.png") == {"a.png": "1", "A.png": "2"}
    assert given_out({"a.png": "1"}, "a.png", "A.png") == {"a.png": "1", "A.png": None}
    assert given_out({"a.png": "1"}, "nord/a.png", "sor/A.png") == {"nord/a.png": None, "sor/A.png": None}
    assert given_out({"a.PNG": "1"}, "a.png", "A.png") == {"a.png": None, "A.png": None}
