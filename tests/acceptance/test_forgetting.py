"""What is forgotten is nowhere any more, and nobody else's numbers have moved by a bit."""

import json
from pathlib import Path
from unicodedata import normalize

from sqlalchemy import text

from storage.forget.unreferenced import KINDS
from tests.commands import CommandsIn
from tests.memory import NAMES, Memory
from tests.pages import served

NAME = NAMES[0]
MEMBERS = "SELECT explanation_id FROM audit_explanation WHERE audit_id"
OTHERS = f"i.name <> '{NAME}'"

MARKED = """
INSERT INTO mark (explanation_id, who, comment, tags) SELECT id, 'kari', 'darker than ' || :name, ARRAY[:name]
FROM explanation
"""


def nobodys(memory: Memory) -> set[str]:
    """The blobs that no row speaks of."""
    found = set()
    for kind in KINDS:
        with memory.engine.begin() as c:
            found |= {one.key for one in kind.nobodys(c, list(memory.blobs.stored(kind.prefix)))}
    return found


def holding(memory: Memory, *words: str) -> list[str]:
    """The tables and blobs that have one of these words."""
    tables = [name for name, rows in memory.rows().items() if any(word in row for word in words for row in rows)]
    blobs = [key for key, data in memory.kept().items() if any(word in key or word.encode() in data for word in words)]
    return tables + blobs


def test_a_photograph_is_forgotten(memory: Memory, commands: CommandsIn, tmp_path: Path) -> None:
    """Neither its bytes nor its names are in a table, a blob, an export or a report; the others are to the bit."""
    cli, engine = commands(memory.environment), memory.engine
    with engine.begin() as c:
        another = "INSERT INTO image_name SELECT id, 'other/name.png' FROM image WHERE name = :name"
        c.execute(text(another), {"name": NAME})
        c.execute(text("UPDATE comparison SET reason = :said"), {"said": f"{NAME} is explained and has no attribution"})
        titled = "UPDATE audit SET name = :name, note = 'look at ' || :name || ' first', tags = ARRAY[:name, 'kept']"
        c.execute(text(titled), {"name": NAME})
        c.execute(text(MARKED), {"name": NAME})
    sha256 = _sha256(memory)
    keys = [one for one in memory.kept() if sha256 in one]
    data, before, others = memory.blobs.get(keys[0]), memory.kept(), memory.answers(OTHERS)
    assert holding(memory, NAME, "other/name.png")  # the search finds what is there

    said = cli.json("images", "remove", NAME, "--dry-run")
    assert memory.kept() == before
    told = cli.json("images", "remove", NAME, "--yes")
    assert (told["removed"], told["bytes"]) == (said["removed"], said["bytes"])
    assert (told["removed"]["mask files"], told["removed"]["marks"]) == (1, 4)
    assert told["removed"]["explanations"] == 4
    assert told["removed"]["photographs"] == told["removed"]["photographs of comparisons"] == 1
    assert holding(memory, NAME, "other/name.png", sha256, "blåbær") == []
    assert memory.value("SELECT min(comment || tags::text) FROM mark") == "darker than ?{}"
    after = memory.kept()
    assert data not in after.values()
    assert memory.answers() == others
    assert {key: before[key] for key in after} == after
    assert nobodys(memory) == set()

    for form in ("csv", "jsonl", "parquet", "coco"):
        cli("audit", "export", memory.audited.all, "--format", form, "--out", tmp_path / form)
    cli("audit", "report", memory.audited.all, "--out", tmp_path / "report")
    written = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_relative_to(tmp_path / "blobs")]
    assert len(written) > 10
    assert not [path for path in written if "blåbær" in str(path) or "blåbær".encode() in path.read_bytes()]
    shown = cli.json("audit", "show", memory.audited.all)
    assert (shown["photographs"], shown["done"]) == (3, 3)
    assert (shown["name"], shown["note"], shown["tags"]) == ("?", "look at ? first", ["kept"])
    assert cli.json("audit", "show", memory.audited.named)["photographs"] == 0


def test_pages_that_have_shown_a_photograph_forget_it(memory: Memory, commands: CommandsIn) -> None:
    """What they remember, overviews and what pictures are drawn from, is gone with the next look."""
    cli, number, sha256 = commands(memory.environment), memory.audited.all, _sha256(memory)
    with served(memory.environment["DATABASE_URL"], Path(memory.environment["POLELENS_BLOBS"])) as pages:
        paths = [f"/audits/{number}{rest}" for rest in ("", ".json", "/photographs", "/photographs.json")]
        picture = f"/audits/{number}/photographs/{sha256}/plain.webp"
        shown = [pages.get(path).text for path in paths]
        assert all(sha256 in one or "blåbær" in one for one in shown)
        assert pages.get(picture).status == 200
        cli("images", "remove", NAME, "--yes")
        assert [word for word in (sha256, "blåbær") for path in paths if word in pages.get(path).text] == []
        assert json.loads(pages.get(paths[1]).text)["done"] == 3
        assert pages.get(picture).status == 404


def _sha256(memory: Memory) -> str:
    return str(memory.value("SELECT sha256 FROM image WHERE name = :name", name=NAME))


def test_what_people_wrote_loses_the_name_and_no_other(memory: Memory, commands: CommandsIn) -> None:
    """However it was typed; a name that is a part of a longer word is another photograph's, and stays."""
    decomposed = normalize("NFD", NAME.upper())
    note = f"{decomposed}, not a{NAME} nor {NAMES[1]}; (north/blåbær-17.png)"
    with memory.engine.begin() as c:
        told = {"note": note, "tags": [NAME.upper(), "kept", f"{NAME}2"]}
        c.execute(text("UPDATE audit SET note = :note, tags = :tags WHERE id = 1"), told)
    cli = commands(memory.environment)
    cli("images", "remove", NAME, "--yes")
    shown = cli.json("audit", "show", 1)
    assert (shown["note"], shown["tags"]) == (f"?, not a{NAME} nor {NAMES[1]}; (?)", ["kept", f"{NAME}2"])


def test_a_selection_that_lost_its_digits_removes_nothing(memory: Memory, commands: CommandsIn) -> None:
    """`sha256:` of a script whose variable is empty begins every digest there is: it is refused, not taken for all."""
    cli, before = commands(memory.environment), memory.kept()
    for words in (("images", "remove", "sha256:", "--yes"), ("audit", "start", "planted", "--images", "SHA256:")):
        assert "has no digits" in cli.refused(*words)
    assert memory.kept() == before


def test_a_comparison_says_that_it_is_of_more_photographs(memory: Memory, commands: CommandsIn) -> None:
    """What was said stays as it was said, of four; it is outdated, and comparing anew is of three."""
    cli = commands(memory.environment)
    one, two = memory.audited.all, memory.audited.later
    before = memory.value("SELECT outcome::text FROM comparison")
    cli("images", "remove", NAME, "--yes")
    assert memory.value("SELECT outcome::text FROM comparison") == before
    [told] = cli.json("audit", "comparisons")
    assert (told["outdated"], told["removed"], told["outcome"]["counts"]["compared"]) == (True, 1, 4)
    assert "(before 1 photograph of it was removed;" in cli("audit", "comparisons")
    anew = cli.json("audit", "compare", one, two)
    assert (anew["outdated"], anew["removed"], anew["outcome"]["counts"]["compared"]) == (False, 0, 3)
    assert NAME not in json.dumps(anew)


def test_an_audit_is_forgotten_but_for_what_others_share(memory: Memory, commands: CommandsIn) -> None:
    """Its own explanations go; those that the twin's audit has stay, and the refit and the photographs do."""
    cli, audited = commands(memory.environment), memory.audited
    before, shared = memory.kept(), memory.answers(f"e.id IN ({MEMBERS} <> 1)")
    assert audited.all == 1
    said = cli.json("audit", "delete", audited.all, "--dry-run")
    told = cli.json("audit", "delete", audited.all, "--yes")
    assert told["removed"] == said["removed"]
    assert (told["removed"]["audits"], told["removed"]["explanations"], told["removed"]["comparisons"]) == (1, 2, 1)
    assert told["bytes"] == said["bytes"] == sum(map(len, before.values())) - sum(map(len, memory.kept().values()))
    assert memory.answers() == shared
    assert nobodys(memory) == set()
    assert "there is no audit 1" in cli.refused("audit", "show", 1)
    assert memory.value("SELECT count(*) FROM image") == 4
    rows = memory.rows()
    assert not rows["comparison"]
    assert not rows["change"]
    assert cli.json("audit", "show", audited.refit)["done"] == 4


def test_a_model_is_forgotten_but_for_what_its_twin_shares(memory: Memory, commands: CommandsIn) -> None:
    """Version, audits and explanations go; the twin keeps the file and the explanations that its audit has."""
    cli = commands(memory.environment)
    shared = memory.answers(f"e.id IN ({MEMBERS} = 3)")
    assert memory.audited.twin == 3
    digest = str(memory.value("SELECT digest FROM model WHERE name = 'twin'"))
    told = cli.json("models", "remove", "planted@1", "--yes")
    assert (told["removed"]["models"], told["removed"]["audits"], told["removed"]["comparisons"]) == (1, 3, 1)
    assert "model files" not in told["removed"]
    assert "planted@1" not in json.dumps(cli.json("models", "list")) + json.dumps(memory.rows())
    left = memory.answers("e.model_id = (SELECT id FROM model WHERE name = 'twin')")
    assert [one.split("(", 1)[1] for one in left] == [one.split("(", 1)[1] for one in shared]
    assert nobodys(memory) == set()
    assert cli.json("audit", "show", 3)["done"] == 2

    cli("models", "remove", "twin@1", "--yes")
    assert not [key for key in memory.kept() if digest in key]
    assert nobodys(memory) == set()
    assert cli.json("audit", "list")[0]["model"] == "planted@2"


def test_what_goes_on_is_refused(memory: Memory, commands: CommandsIn) -> None:
    """An audit that runs is not deleted under its workers, nor its photographs or its model; nothing is removed."""
    cli, number = commands(memory.environment), memory.audited.all
    with memory.engine.begin() as c:
        c.execute(text("UPDATE audit SET state = 'running' WHERE id = :id"), {"id": number})
    before = memory.rows(), memory.kept()
    for words in (["audit", "delete", number], ["images", "remove", NAME], ["models", "remove", "planted@1"]):
        assert f"`polelens audit cancel {number}` stops it" in cli.refused(*words, "--yes")
    assert (memory.rows(), memory.kept()) == before


def test_nobody_is_asked_twice_and_nothing_goes_without_a_yes(memory: Memory, commands: CommandsIn) -> None:
    """Without a terminal and without --yes nothing is removed; a name without a version is refused."""
    cli, before = commands(memory.environment), memory.rows()
    for words in (["audit", "delete", 1], ["images", "remove", NAME], ["models", "remove", "planted@1"]):
        assert "--yes removes without asking" in cli.run(*words).stderr.splitlines()[-1]
    assert "name the version" in cli.refused("models", "remove", "planted", "--yes")
    assert "no photograph is selected" in cli.refused("images", "remove", "nowhere/*", "--yes")
    assert memory.rows() == before


def test_the_trail_says_what_was_removed_and_nothing_of_what_it_was(memory: Memory, commands: CommandsIn) -> None:
    """Who, when, by which command, of what kind and how many; and the number of an audit."""
    cli = commands(memory.environment)
    gone = cli.json("images", "remove", NAME, "--yes")
    cli("audit", "delete", memory.audited.all, "--yes")
    rows = cli.json("trail")
    assert {one["kind"]: one["number"] for one in rows if one["what"] == "images remove"} == gone["removed"]
    assert sum(one["bytes"] for one in rows if one["what"] == "images remove") == gone["bytes"]
    assert [one["audit"] for one in rows if one["kind"] == "audits"] == [memory.audited.all]
    assert all("@" in one["who"] for one in rows)
    assert "blåbær" not in cli("trail")
    assert "images remove" in cli("trail")
