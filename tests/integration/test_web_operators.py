"""The operators' pages as programs see them: who may, what is refused, and what comes of what they send."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url, text

from pipeline.recipe import Recipe
from pipeline.recipes import called
from polelens.stack.address import password
from polelens.web.who import Role
from storage.archive import Archive
from storage.blobs import FolderBlobs
from storage.comparer import Comparer
from storage.comparisons import Comparisons
from storage.registry import Registry
from storage.roles import SQL
from tests import models
from tests.live_audits import pictures, png
from tests.pages import Answer, Pages, served
from tests.played_ledger import Desk, attribution, model

PNG = png(pictures(1)[0])


@pytest.fixture
def audit(desk: Desk) -> int:
    """Two photographs, explained."""
    number = desk.audit("a.jpg", "b.jpg")
    explain_all(desk)
    return number


@pytest.fixture
def pages(desk: Desk, database_url: str, audit: int, tmp_path: Path) -> Iterator[Pages]:
    """The pages of that audit, for operators."""
    with served(database_url, tmp_path / "blobs") as found:
        yield found


def explain_all(desk: Desk) -> None:
    """Answer all that is planned."""
    for step in desk.ledger.produce(64):
        assert desk.ledger.finish(desk.begin_reduction(step), attribution("no", "yes"))
    desk.ledger.settle()


def trail(desk: Desk) -> list[tuple[str, str, int | None]]:
    """Who did what, of which audit, in order."""
    with desk.engine.begin() as c:
        return [(row.who, row.what, row.audit) for row in c.execute(text("SELECT * FROM trail ORDER BY id"))]


def gone(answer: Answer) -> str:
    """Where an answer sends its page."""
    assert answer.status == 204, answer.text
    return answer.headers["hx-redirect"]


CHANGES = (
    "/start",
    "/audits/1/cancel",
    "/audits/1/resume",
    "/audits/1/title",
    "/audits/1/with/2",
    "/models",
    "/models/planted@1/try",
    "/photographs",
)


def test_every_change_takes_an_operator_and_our_token(
    desk: Desk, database_url: str, audit: int, pages: Pages, tmp_path: Path
) -> None:
    """A marker, a reader and another site's form change nothing; nor is their page full of what they may not."""
    for path in CHANGES:
        assert pages.send(path, {"model": "planted"}).status != 403
        assert pages.post(path, "model=planted", x_polelens_token="").status == 403
        assert pages.post(path, "model=planted", origin="https://elsewhere.example").status == 403
    before = trail(desk)
    with served(database_url, tmp_path / "blobs", role=Role.MARKER) as theirs:
        for path in CHANGES:
            refused = theirs.post(path, "model=planted&recipe=lime")
            assert (refused.status, "takes the role operator" in refused.text) == (403, True)
        assert theirs.get("/start?model=planted").status == 403
        assert theirs.get("/start.json?model=planted").status == 403
        for path in ("/", "/models", "/models/planted", "/photographs", f"/audits/{audit}", f"/audits/{audit}/with"):
            page = theirs.get(path)
            assert page.status == 200
            assert "hx-post" not in page.text
    assert trail(desk) == before


def test_an_audit_is_started_named_stopped_and_let_go_on(desk: Desk, pages: Pages) -> None:
    """Its row is as it was asked for, by whom; each step is in the trail; what was explained before is taken over."""
    order = "model=planted%401&recipe=default&images=*.jpg&name=Spring&tag=north+2026&note=Why&object=insulator&keep=9"
    there = gone(pages.post("/start", f"{order}&set=samples%3D32%0D%0Aseeds%3D[1,11]&label=yes&now=yes"))
    one = desk.audits.get(int(there.rpartition("/")[2]))
    assert (one.title.name, one.title.tags, one.title.note) == ("Spring", ("2026", "north"), "Why")
    assert (one.title.started_by, one.object_word, one.keep, one.selection) == ("anna", "insulator", 9, "*.jpg")
    assert one.recipe == Recipe("default").override({"samples": 32, "seeds": [1, 11], "labels": ["yes"]})
    assert desk.value("SELECT urgent FROM audit WHERE id = :id", id=one.id) is True
    for path in ("/", there, "/models/planted@1"):  # what differs from the named recipe, as `audit list` has it
        assert f"recipe <bdi>{called(one.recipe)}</bdi>" in pages.get(path).text.replace("&#34;", '"')
    assert gone(pages.post(f"{there}/cancel", "")) == there
    assert desk.audits.get(one.id).state == "cancelled"
    assert pages.post(f"{there}/cancel", "").status == 400
    page = pages.get(there).text
    assert "Resume" in page
    assert "Cancel</button>" not in page
    assert gone(pages.post(f"{there}/resume", "")) == there
    assert desk.audits.get(one.id).state == "running"
    assert gone(pages.post(f"{there}/title", "name=Autumn&tag=&note=")) == there
    assert desk.audits.get(one.id).title.name == "Autumn"
    for query in ("", f"?{order}&label=yes&set=samples%3D32"):
        assert pages.get(f"/start{query}").status == 200
    done = ["audit start", "audit cancel", "audit resume", "audit note"]
    assert trail(desk) == [("anna", what, one.id) for what in done]
    again = gone(pages.post("/start", "model=planted&images=all"))
    assert desk.audits.progress(int(again.rpartition("/")[2])).state == "done"
    assert pages.post(f"{again}/resume", "").status == 400


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ("model=nobody", "there is no model nobody"),
        ("model=", "model is ''"),
        ("model=planted&recipe=magic", "magic"),
        ("model=planted&recipe=default,lime", "each audit is started alone"),
        ("model=planted&images=nowhere/*", "no photograph is selected by 'nowhere/*'"),
        ("model=planted&samples=many", "samples is 'many'"),
        ("model=planted&set=colour%3Dred", "colour"),
        ("model=planted&set=nonsense", "expected FIELD=VALUE"),
        ("model=planted&keep=0", "keep is '0'"),
        ("model=planted&object=" + "x" * 50, "no word for the object"),
        ("model=planted&name=" + "x" * 150, "expected one line of up to 100 characters"),
        ("model=planted&images=" + "x" * 300, "images has 300 characters"),
        ("model=planted&label=unheard", "unheard"),
        ("model=planted&label=a%00", "label has a NUL in it"),
    ],
)
def test_what_cannot_be_started_is_refused_in_a_sentence(desk: Desk, pages: Pages, order: str, named: str) -> None:
    """And no audit has begun, nor is anything in the trail."""
    answer = pages.post("/start", order)
    assert (answer.status, named in answer.text) == (400, True), answer.text
    assert len(desk.audits.all()) == 1
    assert not trail(desk)


@pytest.mark.parametrize("charset", ["unicode_escape", "punycode", "undefined", "utf-16", '"utf-8 "x'])
def test_a_form_is_in_utf_8(desk: Desk, pages: Pages, charset: str) -> None:
    """As browsers send it: what Python would decode by other words it knows may be no text at all."""
    body = b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n\\ud800\r\n--b--\r\n'
    for named in (f"charset={charset}", f"charset*=utf-8''{charset}"):
        refused = pages.post("/audits/1/title", body, content_type=f"multipart/form-data; boundary=b; {named}")
        assert (refused.status, refused.text) == (400, "a form is sent in UTF-8")
    for named in ("", "; charset=UTF-8", '; charset="utf-8"'):
        kind = f"multipart/form-data; boundary=b{named}"
        assert pages.post("/audits/1/title", body, content_type=kind).status == 204
    assert desk.audits.get(1).title.note == "\\ud800"


def test_a_plan_is_the_command_s(pages: Pages) -> None:
    """Its refusal is the command's sentence, and no value of a form is another option of it."""
    refused = pages.get("/start.json?model=planted&images=--help")
    assert refused.status == 400
    assert "no photograph is selected by &#39;--help&#39;" in refused.text
    assert "It cannot be started: there is no model --workers" in pages.get("/start/plan?model=--workers").text
    assert pages.get("/start/plan?model=planted&images=" + "x" * 300).status == 400


def test_photographs_are_uploaded_within_bounds(
    desk: Desk, pages: Pages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can be read is in the archive under its bare name, with its label; each other file has its own reason."""
    monkeypatch.setattr("polelens.web.archive.LARGEST", 100_000)
    large = np.random.Generator(np.random.Philox(1)).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    files = [("C:\\photos\\one.png", PNG), ("x.jpg", b"no picture"), ("../large.png", png(large))]
    answer = pages.send("/photographs", {"label": "yes"}, *(("photographs", *one) for one in files))
    assert answer.status == 200
    assert "<b>1</b> added, 0 known already, 2 not readable" in answer.text
    assert "x.jpg" in answer.text
    assert "more than" in answer.text
    archive = Archive(desk.engine, FolderBlobs(tmp_path / "blobs"))
    [found] = list(archive.select("one.png"))
    assert (found.label, found.width) == ("yes", 32)
    assert not archive.page("*large*", 0, 9)
    assert "0</b> added, 1 known" in pages.send("/photographs", {}, ("photographs", "two.png", PNG)).text
    assert [what for _, what, _ in trail(desk)] == ["images add"]
    assert pages.send("/photographs", {}, ("photographs", "", b"")).status == 400
    many = [("photographs", f"{number}.png", PNG) for number in range(201)]
    assert pages.send("/photographs", {}, *many).status == 400
    small = pages.get(f"/photographs/{found.sha256}.webp")
    assert (small.status, small.headers["content-type"]) == (200, "image/webp")
    assert pages.get("/photographs/" + "0" * 64 + ".webp").status == 404


def test_the_archive_is_listed_in_pages(desk: Desk, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twins say what the page says, page by page, and a selection is the command line's."""
    monkeypatch.setattr("polelens.web.archive.PAGE", 2)
    desk.photographs(*(f"more/{number}.jpg" for number in range(3)))
    names, after = [], ""
    while after is not None:
        found = json.loads(pages.get(f"/photographs.json?after={after}").text)
        names += [one["name"] for one in found["photographs"]]
        page = pages.get(f"/photographs?after={after}").text
        assert all(one["name"] in page for one in found["photographs"])
        assert ("more →" in page) == (found["after"] is not None)
        after = found["after"]
    assert names == ["a.jpg", "b.jpg", "more/0.jpg", "more/1.jpg", "more/2.jpg"]
    rows = csv.DictReader(io.StringIO(pages.get("/photographs.csv?images=more/*").text.lstrip("\ufeff")))
    assert [row["name"] for row in rows] == names[2:]
    assert pages.get("/photographs?after=x").status == 400
    assert pages.get("/photographs?images=sha256:").status == 400


def test_models_are_listed_and_shown(desk: Desk, pages: Pages) -> None:
    """The newest first; a version with its profile, as `models show` has it; and with how many audits."""
    found = json.loads(pages.get("/models.json").text)["models"]
    assert [(one["name"], one["version"], one["audits"]) for one in found] == [("planted", 1, 1)]
    assert json.loads(pages.get("/models/planted@1.json").text)["labels"] == ["yes", "no"]
    [row] = csv.DictReader(io.StringIO(pages.get("/models.csv").text.lstrip("\ufeff")))
    assert row["name"] == "planted"
    page = pages.get("/models/PLANTED").text
    assert "What it can be asked" in page
    assert 'href="/audits/1"' in page
    assert pages.get("/models?name=nothing").text.count('<a href="/models/') == 0
    assert pages.get("/models/nobody").status == 404
    assert pages.get("/models?before=x").status == 400


def test_a_model_is_read_elsewhere_and_refused_as_by_the_command(desk: Desk, pages: Pages) -> None:
    """A good one has the labels and the profile that were sent; a bad one the registry's sentence, and no row."""
    whole = models.additive(np.zeros((32, 32)), bias=0.5)
    beside = [("labels", "labels.txt", b"right\nwrong\n"), ("profile", "p.json", b'{"color": "rgb", "scale": 1}')]
    assert gone(pages.send("/models", {"name": "fresh"}, ("model", "net.onnx", whole), *beside)) == "/models/fresh@1"
    version = desk_registry(desk).find("fresh")
    assert version.labels == ("right", "wrong")
    assert version.profile.to_json()["color"] == "rgb"
    assert version.facts["inside"]
    assert gone(pages.send("/models", {"name": "fresh"}, ("model", "net.onnx", whole), *beside)) == "/models/fresh@1"
    assert trail(desk) == [("anna", "models add", None)]
    for fields, files, named in (
        ({"name": "bad"}, [("model", "x.zip", b"garbage")], "not an ONNX model"),
        ({"name": "bad"}, [("model", "net.onnx", whole), ("labels", "l.txt", b"only\n")], "label"),
        ({"name": "bad"}, [("model", "net.onnx", whole), ("profile", "p.json", b"[")], "is not JSON"),
        ({"name": "a/b"}, [("model", "net.onnx", whole)], "without spaces or slashes"),
        ({"name": "bad", "activation": "magic"}, [("model", "net.onnx", whole)], "activation is 'magic'"),
        ({"name": "bad"}, [], "there is no file"),
        ({"name": "bad"}, [("model", "net.onnx", whole), ("labels", "l", b"x" * 2**20 + b"x")], "more than"),
    ):
        answer = pages.send("/models", fields, *files)
        assert (answer.status, named in answer.text) == (400, True), answer.text
    assert {version.name for version in desk_registry(desk).all()} == {"planted", "fresh"}


def desk_registry(desk: Desk) -> Registry:
    """The models of a desk, by their rows alone."""
    return Registry(desk.engine, FolderBlobs(Path("unused")))


def test_the_pages_do_not_load_what_runs_models() -> None:
    """Neither ONNX nor its runtime is in the process that people's bytes come to."""
    told = "import polelens.web.app, polelens.web.opening, sys; print({'onnx', 'onnxruntime'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_photograph_is_tried_before_all_others(desk: Desk, pages: Pages) -> None:
    """Sent along or of the archive, it is an urgent audit of its own; the page waits, and goes to the answer."""
    there = gone(pages.send("/models/planted@1/try", {"recipe": "default"}, ("file", "new.png", PNG)))
    number, image = there.split("/")[2], there.split("/")[4]
    assert desk.value("SELECT urgent FROM audit WHERE id = :id", id=int(number)) is True
    assert desk.audits.get(int(number)).title.tags == ("try",)
    assert "It is being explained" in pages.get(there).text
    explain_all(desk)
    assert gone(pages.get(there, hx_request="true")) == f"/audits/{number}/photographs/{image}"
    known = json.loads(pages.get("/photographs.json").text)["photographs"][0]["sha256"]
    again = gone(pages.send("/models/planted@1/try", {"photograph": known}))
    assert known in again
    assert pages.send("/models/planted@1/try", {}).status == 400
    assert pages.send("/models/planted@1/try", {"photograph": "00"}).status == 400
    assert pages.send("/models/planted@1/try", {}, ("file", "x.png", b"none")).status == 400
    assert pages.get(f"/audits/{number}/soon/{'0' * 64}").status == 404


def test_two_audits_are_compared_and_shown(desk: Desk, pages: Pages, database_url: str, tmp_path: Path) -> None:
    """Not before somebody asks; then the page, its twins and the filters say the same."""
    retrained, _ = Registry(desk.engine, FolderBlobs(tmp_path / "blobs")).add(model(onnx=b"retrained"))
    other = desk.audits.start(retrained, Recipe("default"))
    path = f"/audits/1/with/{other}"
    assert "Nobody has compared them yet" in pages.get(path).text
    refused = pages.post(path, "")
    assert (refused.status, "only audits that are done" in refused.text) == (400, True)
    explain_all(desk)
    assert gone(pages.post(path, "")) == path
    assert "being compared" in pages.get(path).text
    assert pages.get(f"{path}.json").status == 400
    comparisons = Comparisons(desk.engine)
    comparer = Comparer(
        comparisons, Registry(desk.engine, FolderBlobs(tmp_path / "blobs")), comparisons_blobs(tmp_path)
    )
    one = comparisons.between(1, other)
    assert one is not None
    list(comparer.pages(one))
    comparer.conclude(one)
    for query, count in (("", 2), ("?name=a.jpg", 1), ("?moved=relabelled", 0), ("?predicted=yes&order=name", 2)):
        page = pages.get(f"{path}{query}").text
        told = json.loads(pages.get(f"{path}.json{query}").text)
        rows = list(csv.DictReader(io.StringIO(pages.get(f"{path}.csv{query}").text.lstrip("\ufeff"))))
        shown = [row["sha256"] for row in told["photographs"]]
        assert [row["sha256"] for row in rows] == shown
        assert len(shown) == told["count"] == count == page.count('<article class="pair">')
        assert f"<b>{count}</b> photograph" in page
        assert ("without filters" in page) is bool(query)
    assert pages.get(f"{path}?moved=up").status == 400
    assert pages.get(f"{path}?order=magic").status == 400
    assert f'href="/audits/1/with/{other}"' in pages.get("/audits/1/with").text
    assert trail(desk) == [("anna", "audit compare", other)]


def comparisons_blobs(folder: Path) -> FolderBlobs:
    """Where the pages' blobs are."""
    return FolderBlobs(folder / "blobs")


def test_audits_are_listed_in_pages(desk: Desk, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest first, each once, whatever page they are on."""
    monkeypatch.setattr("polelens.web.audits.MOST", 2)
    for _ in range(3):
        desk.audit(images="a.jpg")
    first, second = pages.get("/").text, pages.get("/?before=3").text
    assert [f'<a href="/audits/{number}">' in first for number in (4, 3, 2, 1)] == [True, True, False, False]
    assert [f'<a href="/audits/{number}">' in second for number in (4, 3, 2, 1)] == [False, False, True, True]
    assert 'href="/?before=3"' in first
    assert "older →" not in second
    assert pages.get("/?before=x").status == 400


def test_the_operator_s_role_will_do(desk: Desk, database_url: str, audit: int, tmp_path: Path) -> None:
    """A login with `polelens_operator` does all of it; one that may less is told in a sentence which role it takes."""
    url = make_url(database_url).set(drivername="postgresql")
    secret, places = password(), {}
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as c:
        c.execute(SQL.read_bytes())
        for role in ("operator", "marker"):
            name = f"pages_{role}_{url.database}"
            made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}")
            c.execute(made.format(sql.Identifier(name), secret, sql.Identifier(f"polelens_{role}")))
            places[role] = url.set(username=name, password=secret).render_as_string(hide_password=False)
    whole = models.additive(np.zeros((32, 32)), bias=0.5)
    with served(places["operator"], tmp_path / "blobs") as pages:
        assert pages.send("/photographs", {}, ("photographs", "new.png", PNG)).status == 200
        labels = ("labels", "labels.txt", b"right\nwrong\n")
        gone(pages.send("/models", {"name": "fresh"}, ("model", "net.onnx", whole), labels))
        there = gone(pages.post("/start", "model=planted&images=new.png&recipe=lime"))
        for act in ("cancel", "resume", "title"):
            gone(pages.post(f"{there}/{act}", "name=x"))
    with served(places["marker"], tmp_path / "blobs") as pages:
        refused = pages.post("/start", "model=planted&images=new.png&recipe=rise")
        assert (refused.status, "grant it polelens_operator" in refused.text) == (403, True)
