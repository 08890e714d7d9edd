"""The pages as programs see them: who gets in, what is refused, and that twins say what pages say."""

import csv
import io
import json
import pkgutil
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.client import IncompleteRead
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url, text

from polelens.stack.address import password
from storage.grid import Grid, Page
from storage.marks import Marks
from storage.progress import keep
from storage.roles import SQL
from storage.title import Title
from tests.pages import SECRET, Pages, served
from tests.played_ledger import Desk, attribution

NASTY = "<script>alert(1)</script> \"'&.jpg"


@pytest.fixture
def audit(desk: Desk) -> int:
    """Three photographs, one with a name that would like to be more."""
    number = desk.audit(NASTY, "=2+3.jpg", "c.jpg")
    for step in desk.ledger.produce(64):
        assert desk.ledger.finish(desk.begin_reduction(step), attribution("no", "yes"))
    desk.ledger.settle()
    desk.audits.retitle(number, Title(name="<b>spring</b>", tags=("north",)))
    return number


@pytest.fixture
def pages(desk: Desk, database_url: str, audit: int, tmp_path: Path) -> Iterator[Pages]:
    """The pages of that audit."""
    with served(database_url, tmp_path / "blobs") as found:
        yield found


def _image(pages: Pages, place: int = 0) -> str:
    return str(json.loads(pages.get("/audits/1/photographs.json?order=name").text)["photographs"][place]["image"])


DELETE = "DELETE FROM audit WHERE id ="
EVERY = ("/", "/audits.json", "/audits/1", "/audits/1.json", "/audits/1/photographs", "/audits/1/photographs.csv")


def test_nobody_gets_in_without_the_password(pages: Pages) -> None:
    """Not to a page, a twin, a picture, a stylesheet or a mark; and the answer says no more than that."""
    for path in (*EVERY, "/audits/1/progress", "/static/pages.js", "/nowhere"):
        for given in ("", "Basic eDp3cm9uZw==", f"Basic {SECRET}", "Bearer x", "Basic \xff", "Basic OnNlY3JldA=="):
            refused = pages.get(path, authorization=given) if given else Pages(pages.url, "").get(path)
            assert refused.status == 401
            assert "polelens" not in refused.text


def test_every_answer_forbids_strangers_scripts_and_frames(pages: Pages) -> None:
    """Whatever it is, a refusal too; and no page has a style or a script of its own, which that would forbid."""
    for path in (*EVERY, "/audits/99", "/nowhere", "/static/pages.css", f"/audits/1/photographs/{_image(pages)}"):
        answer = pages.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        if answer.headers["content-type"].startswith("text/html"):
            assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|https?://", answer.text)
            assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "forged",
    [
        {"x-polelens-token": ""},
        {"x-polelens-token": "0" * 64},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
    ],
    ids=str,
)
def test_a_mark_that_another_page_sends_is_refused(desk: Desk, pages: Pages, forged: dict[str, str]) -> None:
    """Though the browser adds the login: without our token, or from elsewhere, nothing is kept."""
    path = f"/audits/1/photographs/{_image(pages)}/mark"
    assert pages.post(path, "word=wrong", **forged).status == 403
    assert not list(Marks(desk.engine).all(1))


def test_a_token_is_its_persons_alone(pages: Pages, desk: Desk) -> None:
    """Bo's token does not sign what anna sends."""
    path = f"/audits/1/photographs/{_image(pages)}/mark"
    found = re.search(r'x-polelens-token":"([0-9a-f]{64})"', Pages(pages.url, "bo").get("/").text)
    assert found
    assert pages.post(path, "word=wrong", **{"x-polelens-token": found[1]}).status == 403
    assert Pages(pages.url, "bo").post(path, "word=wrong", **{"x-polelens-token": found[1]}).status == 200
    assert [said.mark.who for said in Marks(desk.engine).all(1)] == ["bo"]


def test_what_is_no_mark_is_refused_in_a_sentence(pages: Pages, desk: Desk) -> None:
    """Too long, too many, or of a photograph that there is not; and nothing is kept."""
    path = f"/audits/1/photographs/{_image(pages)}/mark"
    assert (
        pages.post(path, "word=maybe").status,
        pages.post(path, "comment=" + "x" * 3000).status,
        pages.post(path, "x=" + "x" * 70_000).status,
        pages.post(path, "&".join(f"a{n}=1" for n in range(50))).status,
        pages.post(path, "comment=%FF%00").status,
        pages.post("/audits/1/photographs/" + "0" * 64 + "/mark", "word=wrong").status,
        pages.post("/audits/99/photographs/" + "0" * 64 + "/mark", "word=wrong").status,
    ) == (400, 400, 413, 400, 400, 404, 404)
    assert "mark is 'maybe', expected agree or wrong" in pages.post(path, "word=maybe").text
    assert not list(Marks(desk.engine).all(1))


def test_a_file_breaks_off_when_its_audit_is_deleted(pages: Pages, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent piece by piece does not end as if it were whole."""
    monkeypatch.setattr("polelens.web.twins.PIECE", 1)
    one = Grid.page

    def and_delete(grid: Grid, **asked: Any) -> Page:
        found = one(grid, **{**asked, "most": 1})
        desk.change("DELETE FROM audit_explanation; DELETE FROM audit")
        return found

    monkeypatch.setattr(Grid, "page", and_delete)
    with pytest.raises(IncompleteRead):
        pages.get("/audits/1/photographs.csv")


def test_pages_do_not_wait_behind_pictures(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are asked for at once, and however long each takes: they have threads of their own."""
    gate, asked = threading.Event(), threading.Semaphore(0)
    address = f"/audits/1/photographs/{_image(pages)}/evidence.webp"

    def has(*_: object) -> bool:
        gate.wait(60)
        return False

    def look() -> None:
        asked.release()
        assert pages.get(address).status == 404

    monkeypatch.setattr("polelens.web.painter.Painter.has", has)
    looking = [threading.Thread(target=look) for _ in range(48)]  # a page of the grid, and more than there are threads
    for one in looking:
        one.start()
    for _ in looking:
        asked.acquire()
    time.sleep(1)
    there = threading.Thread(target=pages.get, args=("/audits/1",))
    there.start()
    there.join(timeout=20)
    late = there.is_alive()
    gate.set()
    for one in (*looking, there):
        one.join()
    assert not late


def test_a_line_of_the_log_is_one(pages: Pages, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is asked for while Postgres refuses: nobody writes a line of their own into it."""
    desk.change("ALTER TABLE audit RENAME TO away")
    assert pages.get("/audits/1/photographs/x%0AWARNING%20y").status == 503
    assert "/audits/1/photographs/x%0AWARNING%20y: " in caplog.text


def test_what_is_removed_meanwhile_is_told(pages: Pages, desk: Desk) -> None:
    """Somebody who marks a photograph while another removes its explanation is not told that Postgres is away."""
    path = f"/audits/1/photographs/{_image(pages)}/mark"
    told: list[tuple[int, str]] = []

    def mark() -> None:
        answer = pages.post(path, "word=wrong")
        told.append((answer.status, answer.text))

    marking = threading.Thread(target=mark)
    with desk.engine.begin() as c:
        for table in ("attribution", "audit_explanation", "explanation"):
            c.execute(text(f"DELETE FROM {table}"))  # noqa: S608
        marking.start()
        waits = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        for _ in range(100):
            if c.execute(waits).scalar_one():
                break
            time.sleep(0.1)
    marking.join(timeout=30)
    assert told == [(409, "What this is about was removed meanwhile, or somebody else was first: load the page again.")]


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/audits/99", 404, "There is no audit 99."),
        ("/audits/x", 404, "There is no audit x."),
        ("/audits/99999999999999", 404, "There is no audit"),
        ("/audits/1/photographs/" + "0" * 64, 404, "Audit 1 has no explanation of a photograph"),
        ("/audits/1/photographs?least=lots", 400, "least is &#39;lots&#39;, expected a share like 0.5 or 50%"),
        ("/audits/1/photographs?order=random", 400, "order is &#39;random&#39;"),
        ("/audits/1/photographs?after=x", 400, "there is no such place in the order"),
        ("/audits/1/photographs?name=%00", 400, "name has 1 characters"),
        ("/?state=bored", 400, "state is &#39;bored&#39;"),
        ("/?model=a@b", 400, "a@b"),
        ("/nowhere", 404, "There is no such page"),
        ("/?name=%00", 400, "a text has a NUL in it"),
        ("/?tag=%00", 400, "a text has a NUL in it"),
        ("/models.csv?name=%00", 400, "a text has a NUL in it"),
        ("/photographs?images=label:%00", 400, "a text has a NUL in it"),
        ("/photographs/%00.webp", 400, "a text has a NUL in it"),
        ("/audits/1/photographs/%00", 400, "a text has a NUL in it"),
        ("/audits/1/photographs?order=name&after=%00~1", 400, "a text has a NUL in it"),
        ("/v1/explanations/%00/segments.png", 400, "a text has a NUL in it"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(pages: Pages, path: str, status: int, named: str) -> None:
    """On a page like others, with a way back; never with a traceback."""
    answer = pages.get(path)
    assert (answer.status, named in answer.text) == (status, True), answer.text
    assert "Traceback" not in answer.text


def test_names_are_text_whatever_they_look_like(pages: Pages) -> None:
    """In every page; and in CSV no cell is a formula."""
    image = next(
        one["image"]
        for one in json.loads(pages.get("/audits/1/photographs.json").text)["photographs"]
        if one["name"] == NASTY
    )
    assert pages.post(f"/audits/1/photographs/{image}/mark", "comment=<i>x</i>&label=<u>").status == 200
    for path in ("/", "/audits/1", "/audits/1/photographs", f"/audits/1/photographs/{image}"):
        page = pages.get(path).text
        assert not re.search(r"<script>|<b>spring|<i>x|<u>", page)
    assert "'=2+3.jpg" in pages.get("/audits/1/photographs.csv").text


def test_twins_say_what_the_page_says(pages: Pages, desk: Desk) -> None:
    """The same photographs in the same order under the same filters, as JSON and CSV, and the count of all."""
    image = _image(pages, 1)
    pages.post(f"/audits/1/photographs/{image}/mark", "word=wrong&tags=fog+dusk&label=yes&comment=Why")
    for query, count in (("", 3), ("?order=name", 3), ("?name=c.jpg", 1), ("?mark=wrong", 1), ("?tag=fog", 1)):
        page = pages.get(f"/audits/1/photographs{query}").text
        found = json.loads(pages.get(f"/audits/1/photographs.json{query}").text)
        rows = list(csv.DictReader(io.StringIO(pages.get(f"/audits/1/photographs.csv{query}").text.lstrip("\ufeff"))))
        shown = [one["image"] for one in found["photographs"]]
        assert re.findall(r'photographs/([0-9a-f]{64})(?:\?[^"]*)?">', page) == shown == [row["image"] for row in rows]
        assert len(shown) == found["count"] == count
        assert f"<b>{count}</b> photograph" in page
    [mark] = json.loads(pages.get("/audits/1/marks.json").text)
    assert (mark["who"], mark["word"], mark["label"], mark["tags"]) == ("anna", "wrong", "yes", ["dusk", "fog"])
    assert json.loads(pages.get(f"/audits/1/photographs/{image}.json").text)["marks"][0]["comment"] == "Why"
    told = json.loads(pages.get("/audits/1.json").text)
    assert told["people_agree"][0] == {
        "question": "soundness",
        "answer": "sound",
        "marks": 1,
        "agreed": 0,
        "share": 0.0,
        "low": 0.0,
        "high": pytest.approx(0.7934506856),
    }


def test_audits_are_found_by_name_tag_and_state(pages: Pages) -> None:
    """As `audit list` finds them; twins alike."""
    for query, there in (("", 1), ("?name=SPRING", 1), ("?tag=north", 1), ("?tag=south", 0), ("?state=done", 1)):
        assert pages.get(f"/{query}").text.count('<a href="/audits/1">') == there
        assert len(json.loads(pages.get(f"/audits.json{query}").text)) == there


def test_progress_is_told_until_an_audit_ends(pages: Pages, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One event for each change, then the end; the page of an audit that has ended listens to nothing."""
    monkeypatch.setattr("polelens.web.audits.EVERY_SECONDS", 0.05)
    assert "data-events" not in pages.get("/audits/1").text
    number = desk.audit("late.jpg", images="late.jpg")
    assert f'data-events="/audits/{number}/progress"' in pages.get(f"/audits/{number}").text
    desk.audits.cancel(number)
    answer = pages.get(f"/audits/{number}/progress")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert re.findall(r"^event: (\w+)$", answer.text, re.MULTILINE) == ["progress", "end"]
    assert "0 of 1 photographs explained" in answer.text


def test_progress_outlives_an_outage_and_ends_with_its_audit(
    pages: Pages, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser that is refused once asks no more: the stream waits for Postgres; and what is deleted has ended."""
    monkeypatch.setattr("polelens.web.audits.EVERY_SECONDS", 0.05)
    number = desk.audit("late.jpg", images="late.jpg")
    told: list[str] = []
    reading = threading.Thread(target=lambda: told.append(pages.get(f"/audits/{number}/progress").text))
    for change in ("ALTER TABLE audit RENAME TO away", "ALTER TABLE away RENAME TO audit", f"{DELETE} {number}"):
        if not reading.ident:
            reading.start()
        time.sleep(0.5)
        desk.change(change)
    reading.join(timeout=30)
    assert re.findall(r"^(?:event: |: )(progress|end|Postgres)", told[0], re.MULTILINE)[0] == "progress"
    assert ": Postgres does not answer" in told[0]
    assert told[0].endswith("event: end\ndata: deleted\n\n")


def test_a_large_audit_s_pages_do_not_wait_for_numbers(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """They say that it is being counted, and ask again; once it is counted the numbers are there at once."""
    gate = threading.Event()
    monkeypatch.setattr("storage.progress.SMALL", 0)
    for name in ("_counted", "overview", "Grid.counts"):
        counting = f"polelens.web.figures.{name}"
        monkeypatch.setattr(counting, _after(gate, pkgutil.resolve_name(counting.replace(".Grid", ":Grid"))))
    asks = {
        "/": 'hx-get="/" hx-trigger="load delay',
        "/audits/1": 'hx-get="/audits/1" hx-trigger="load delay',
        "/audits/1/photographs?name=c.jpg": 'hx-get="/audits/1/photographs?name=c.jpg" hx-trigger="load delay',
    }
    for path, again in asks.items():
        page = pages.get(path).text
        assert ("being counted" in page, again in page) == (True, True)
    assert pages.get("/audits/1/photographs?name=c.jpg").text.count("<li ") == 1
    gate.set()
    for path, again in asks.items():
        while "being counted" in (page := pages.get(path).text):
            time.sleep(0.05)
        assert again not in page
    assert "<b>1</b> photograph" in page
    assert "3 of 3 explained" in pages.get("/").text


def _after(gate: threading.Event, count: Callable[..., object]) -> Callable[..., object]:
    def counted(*given: object) -> object:
        assert gate.wait(60)
        return count(*given)

    return counted


def test_figures_that_are_kept_are_told_as_they_are(pages: Pages, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is counted for the list then, by which it is quick however large the audits are; nor is an age told."""
    assert keep(desk.engine) == [1]
    monkeypatch.setattr("polelens.web.figures._counted", None)
    assert "3 of 3 explained</p>" in pages.get("/").text
    [told] = json.loads(pages.get("/audits.json").text)
    assert (told["done"], told["progress_as_of"]) == (3, None)


def test_reading_needs_no_more_than_select(desk: Desk, database_url: str, audit: int, tmp_path: Path) -> None:
    """With the reader's role every page is there, and a mark is refused; the marker's role writes marks alone."""
    url = make_url(database_url).set(drivername="postgresql")
    secret = password()
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as c:
        c.execute(SQL.read_bytes())
        for role in ("reader", "marker"):
            name = f"pages_{role}_{url.database}"
            made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}")
            c.execute(made.format(sql.Identifier(name), secret, sql.Identifier(f"polelens_{role}")))
    places = {
        role: url.set(username=f"pages_{role}_{url.database}", password=secret).render_as_string(hide_password=False)
        for role in ("reader", "marker")
    }
    with served(places["reader"], tmp_path / "blobs", writing=False) as pages:
        path = f"/audits/1/photographs/{_image(pages)}"
        assert {pages.get(one).status for one in (*EVERY, path, f"{path}.json", "/audits/1/marks.csv")} == {200}
        assert "mark-form" not in pages.get(path).text
        assert pages.post(f"{path}/mark", "word=agree").status == 403
    with served(places["marker"], tmp_path / "blobs") as pages:
        assert pages.post(f"{path}/mark", "word=agree").status == 200
    assert [said.mark.word for said in Marks(desk.engine).all(audit)] == ["agree"]
    with psycopg.connect(places["marker"]) as c, pytest.raises(psycopg.errors.InsufficientPrivilege):
        c.execute("UPDATE attribution SET label = 'x'")


def test_pages_survive_a_database_that_goes(pages: Pages, desk: Desk) -> None:
    """Connections that are cut are made again; what cannot be asked is told in a sentence, and nothing ends."""
    assert pages.get("/").status == 200
    with desk.engine.begin() as c:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        c.execute(text(f"{others} AND pid <> pg_backend_pid()"))
    assert pages.get("/").status == 200
    with desk.engine.begin() as c:
        c.execute(text("ALTER TABLE mark RENAME TO gone"))
    answer = pages.get("/audits/1/photographs")
    assert (answer.status, "Postgres does not answer" in answer.text) == (503, True)
    with desk.engine.begin() as c:
        c.execute(text("ALTER TABLE gone RENAME TO mark"))
    assert pages.get("/audits/1/photographs").status == 200
    assert len(list(Grid(desk.engine, 1).all())) == 3
