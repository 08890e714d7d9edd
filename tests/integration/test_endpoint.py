"""The endpoint as programs see it, over a ledger whose workers are played: what is answered, asked, and refused."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.openapi.models import OpenAPI
from sqlalchemy import Engine, make_url

from pipeline.scene.scene import Scene
from pipeline.staging import pack
from polelens.web.endpoint import asking, routes
from polelens.web.endpoint.limits import MOST_BYTES, MOST_INSTANCES, Slots
from polelens.web.endpoint.problems import Problem
from polelens.web.who import Role
from storage.archive import Archive, condition
from storage.blobs import FolderBlobs
from storage.forget.images import ImagesRemoval
from storage.forget.trail import act, trail
from storage.keys import scene_key
from storage.ledger import Step
from storage.roles import Login, apply
from storage.settings import settings
from storage.tokens import Tokens
from tests.endpoint import PROBLEM, Program, basic, image
from tests.live_audits import png
from tests.pages import SECRET, served
from tests.played_ledger import Desk, attribution, engine_of

EXPLAIN, PREDICT = "/v1/models/planted:explain", "/v1/models/planted:predict"
NOWHERE = "0" * 64
PICTURE = png(np.full((8, 8, 3), 90, np.uint8))


def sha(name: str) -> str:
    """The digest under which the played desk has a photograph."""
    return hashlib.sha256(name.encode()).hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    """Where the desk keeps its bytes."""
    return tmp_path / "blobs"


@pytest.fixture
def here(
    desk: Desk, database_url: str, broker_url: str, blobs: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Settings that lead to them."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("CELERY_BROKER_URL", broker_url)
    monkeypatch.setenv("POLELENS_BLOBS", str(blobs))
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def program(here: None, desk: Desk, database_url: str, blobs: Path) -> Iterator[Program]:
    """A program with a token by which it may ask for anything, over an operator's login to the database."""
    login = Login("operator", "endpoint", "some-password")
    apply(database_url, [login])
    url = make_url(database_url).set(username=login.user, password=login.password)
    with served(url.render_as_string(hide_password=False), blobs) as pages:
        yield Program(pages.url, "Bearer " + Tokens(desk.engine).add("line-3", "operator", 1))


@pytest.fixture
def reader(here: None, database_url: str, blobs: Path) -> Iterator[Program]:
    """A person's program, who may read."""
    with served(database_url, blobs, role=Role.READER) as pages:
        yield Program(pages.url, basic("dashboard", SECRET))


def work(desk: Desk, *labels: str) -> None:
    """Do all that is handed out, as workers do."""
    query = "SELECT id FROM explanation WHERE state = 'preparing' ORDER BY id"
    with desk.engine.begin() as c:
        ids = c.exec_driver_sql(query).scalars().all()
    for number in ids:
        job = desk.begin_reduction(Step("prepare", number, 0, "", urgent=True))
        assert desk.ledger.finish(job, attribution(*(labels or ("yes",))))
    desk.ledger.settle()


def explained(desk: Desk, *names: str) -> int:
    """An audit by the default recipe that has ended."""
    number = desk.audit(*names)
    desk.ledger.produce(64)
    work(desk, "no", "yes")
    return number


def test_what_is_known_is_answered_at_once_and_nothing_is_asked(desk: Desk, reader: Program) -> None:
    """Whoever asked first: the ledger's weights under Vertex's names, to a reader too, and no audit more."""
    audit = explained(desk, "a", "b")
    answer = reader.post(EXPLAIN, {"instances": [{"photograph": sha("b")}, {"photograph": sha("a").upper()}]})
    assert answer.status == 200, answer
    told = answer.json
    assert (told["model"], told["version"], told["deployedModelId"]) == ("planted", "1", "planted@1")
    assert told["predictions"][0] == {
        "ids": ["0", "1"],
        "displayNames": ["yes", "no"],
        "confidences": [0.75, 0.25],
        "unlisted": 0,
    }
    assert [one["provenance"]["photograph"] for one in told["explanations"]] == [sha("b"), sha("a")]
    [no] = [one for one in told["explanations"][0]["attributions"] if one["outputDisplayName"] == "no"]
    assert no["outputIndex"] == [1]
    assert (no["baselineOutputValue"], no["instanceOutputValue"]) == (0.5, 0.25)
    assert no["approximationError"] == pytest.approx(0.01)
    assert no["featureAttributions"]["image"]["weights"] == [0, 0.25, 0.5, 0.75, 1]
    assert [one.partition("? ")[2] for one in no["answers"]] == ["Sound. It holds.", "Object. On the object."]
    assert told["explanations"][0]["provenance"]["page"] == f"/audits/{audit}/photographs/{sha('b')}"
    assert (
        reader.post(PREDICT, {"instances": [{"photograph": sha("a")}]}).json["predictions"] == told["predictions"][1:]
    )
    assert desk.value("SELECT count(*) FROM audit") == 1
    assert desk.value("SELECT count(*) FROM job") == 0


def test_what_is_not_known_is_a_job_of_the_urgent_queues(desk: Desk, program: Program) -> None:
    """202 with its address; its audit is urgent, named, and handed out; when it ends the job has the answer."""
    desk.photographs("a")
    began = program.post(EXPLAIN, {"instances": [{"photograph": sha("a")}]})
    assert (began.status, began.headers["location"]) == (202, "/v1/jobs/1")
    assert began.json["state"] == "running"
    assert began.headers["retry-after"].isdecimal()
    assert desk.value("SELECT urgent AND started_by = 'token/line-3' AND tags = '{endpoint}' AND keep = 30 FROM audit")
    assert desk.value("SELECT state FROM explanation") == "preparing"
    assert program.get("/v1/jobs/1").json["answer"] is None
    work(desk)
    after = program.get("/v1/jobs/1").json
    assert (after["state"], after["answered"], after["failed"]) == ("done", 1, 0)
    again = program.post(EXPLAIN, {"instances": [{"photograph": sha("a")}]})
    assert (again.status, again.json) == (200, after["answer"])


def test_who_waits_hears_in_time(desk: Desk, program: Program) -> None:
    """`Prefer: wait=1` ends in a 202 where nobody works; and says that it was heard."""
    desk.photographs("a")
    began = program.post(EXPLAIN, {"instances": [{"photograph": sha("a")}]}, prefer="respond-async, wait=1")
    assert (began.status, began.headers["preference-applied"]) == (202, "wait=1")
    assert program.get("/v1/jobs/1", prefer="wait=1").json["state"] == "running"


def test_a_bad_instance_fails_alone(desk: Desk, program: Program) -> None:
    """Each in its own place, with its own reason; the good one beside them is answered."""
    explained(desk, "a")
    bad: list[Any] = [
        {"photograph": NOWHERE},
        {"photograph": "abc"},
        {"image": {"b64": "%%%"}},
        image(b"no picture"),
        {"image": {"b64": ""}},
        "text",
        {"image": {"b64": "", "url": "http://x"}},
        None,
    ]
    answer = program.post(EXPLAIN, {"instances": [*bad, {"photograph": sha("a")}]})
    assert answer.status == 200
    *wrong, right = answer.json["explanations"]
    assert right["attributions"]
    assert [one["error"]["status"] for one in wrong] == [404, 400, 400, 422, 400, 400, 400, 400]
    assert wrong == answer.json["predictions"][:-1]
    assert "cannot be read" in wrong[3]["error"]["detail"]
    assert all(one["error"]["remedy"] for one in wrong)
    desk.photographs("b")
    began = program.post(EXPLAIN, {"instances": [{"\0": 1}, {"photograph": sha("b")}]})
    assert began.status == 202
    work(desk)
    first, second = program.get(began.headers["location"]).json["answer"]["explanations"]
    assert (first["error"]["status"], second["provenance"]["photograph"]) == (400, sha("b"))


def test_nothing_right_is_an_error_of_the_request(desk: Desk, program: Program) -> None:
    """422, with what is wrong with each."""
    answer = program.post(PREDICT, {"instances": [{"photograph": "x"}, image(b"GIF89a")]})
    assert (answer.status, len(answer.json["instances"])) == (422, 2)


def test_a_new_photograph_is_in_the_archive_then(desk: Desk, program: Program) -> None:
    """Under a name that says where it came from, once; as Vertex sends it, too. The trail says who brought it in."""
    assert (
        program.post(PREDICT, {"instances": [image(PICTURE), {"content": image(PICTURE)["image"]["b64"]}]}).status
        == 202
    )
    assert desk.value("SELECT name FROM image") == f"endpoint/{hashlib.sha256(PICTURE).hexdigest()[:16]}"
    assert desk.value("SELECT count(*) FROM explanation") == 1
    told = [(one.who, one.what, one.kind, one.number) for one in trail(desk.engine, 10)]
    brought = ("token/line-3", "images add", "photographs", 1)
    assert [one for one in told if one[2] == "photographs"] == [brought]
    work(desk)
    found = program.get("/v1/jobs/1").json["answer"]["predictions"]
    assert found[0] == found[1]
    assert found[0]["displayNames"] == ["yes", "no"]


def test_a_reader_costs_no_evaluation(desk: Desk, reader: Program) -> None:
    """What is not known is refused, with whom to ask; and nothing is written."""
    explained(desk, "a")
    desk.photographs("b")
    for asked in ({"photograph": sha("b")}, image(PICTURE)):
        answer = reader.post(EXPLAIN, {"instances": [{"photograph": sha("a")}, asked]})
        assert (answer.status, answer.headers["content-type"]) == (403, PROBLEM)
        assert "operator" in answer.json["detail"]
    assert desk.value("SELECT count(*) FROM audit") == 1
    assert desk.value("SELECT count(*) FROM image") == 2


def test_a_condition_explains_only_where_it_holds(desk: Desk, program: Program) -> None:
    """First the model is asked what it says, then those are explained of which it holds: whoever looks, goes on."""
    desk.photographs("a", "b")
    ask = {"instances": [{"photograph": sha("a")}, {"photograph": sha("b")}], "parameters": {"when": "score<0.8"}}
    assert program.post(EXPLAIN, ask).status == 202
    assert desk.value("SELECT name FROM recipe") == "prediction"
    work(desk)
    desk.change("UPDATE explanation SET confidence = 0.9 WHERE id = (SELECT min(id) FROM explanation)")
    assert program.get("/v1/jobs/1").json["state"] == "running"
    assert desk.value("SELECT count(*) FROM explanation WHERE state = 'preparing'") == 1
    assert program.get("/v1/jobs/1").json["state"] == "running"
    work(desk)
    after = program.get("/v1/jobs/1").json
    assert after["state"] == "done"
    skipped, made = after["answer"]["explanations"]
    assert "score<0.8 does not hold" in skipped["skipped"]
    assert made["attributions"]
    assert desk.value("SELECT count(*) FROM audit") == 2


def test_a_job_that_is_cancelled_says_so(desk: Desk, program: Program) -> None:
    """In the place of each answer that there will not be."""
    desk.photographs("a")
    program.post(EXPLAIN, {"instances": [{"photograph": sha("a")}]})
    desk.audits.cancel(1)
    told = program.get("/v1/jobs/1").json
    assert told["state"] == "cancelled"
    assert told["answer"]["explanations"][0]["error"]["status"] == 409


def test_what_failed_says_why_and_may_be_asked_again(desk: Desk, program: Program) -> None:
    """The worker's own reason; asked again it is tried again."""
    desk.photographs("a")
    asked = {"instances": [{"photograph": sha("a")}]}
    program.post(EXPLAIN, asked)
    desk.ledger.fail("prepare", 1, "prepare: the file is damaged")
    desk.ledger.settle()
    told = program.get("/v1/jobs/1").json
    assert (told["state"], told["failed"]) == ("done", 1)
    assert told["answer"]["explanations"][0]["error"]["detail"] == "prepare: the file is damaged"
    assert program.post(EXPLAIN, asked).status == 202


def test_a_mask_that_came_meanwhile_is_asked_for(desk: Desk, program: Program) -> None:
    """The answer is by the mask that the photograph has when it is given: the job goes on until there is such."""
    desk.photographs("a")
    program.post(EXPLAIN, {"instances": [{"photograph": sha("a")}]})
    desk.change("UPDATE image SET mask_sha256 = repeat('5', 64)")
    work(desk)
    assert program.get("/v1/jobs/1").json["state"] == "running"
    work(desk)
    told = program.get("/v1/jobs/1").json
    assert told["answer"]["explanations"][0]["provenance"]["mask"] == "5" * 64


REFUSED: list[tuple[str, Any, int, str]] = [
    (EXPLAIN, b"", 400, "the body"),
    (EXPLAIN, b"[" * 100_000, 400, "the body"),
    (EXPLAIN, {}, 400, "instances"),
    (EXPLAIN, {"instances": []}, 400, "instances"),
    (EXPLAIN, {"instances": {}}, 400, "instances"),
    (EXPLAIN, {"instances": [None] * (MOST_INSTANCES + 1)}, 413, "instances"),
    (EXPLAIN, {"instances": [None], "signature_name": "x"}, 400, "signature_name"),
    (EXPLAIN, {"instances": [None], "parameters": {"topK": 3}}, 400, "parameters.topK"),
    (EXPLAIN, {"instances": [None], "parameters": {"recipe": "defualt"}}, 400, "there is no recipe"),
    (EXPLAIN, {"instances": [None], "parameters": {"set": {"sample": 3}}}, 400, "unknown field sample"),
    (EXPLAIN, {"instances": [None], "parameters": {"labels": "maybe"}}, 400, "the model has no label 'maybe'"),
    (EXPLAIN, {"instances": [None], "parameters": {"when": "score~1"}}, 400, "when is 'score~1'"),
    ("/v1/models/nobody:explain", {"instances": [None]}, 404, "there is no model nobody"),
    ("/v1/models/planted/versions/9:predict", {"instances": [None]}, 404, "there is no model planted@9"),
    ("/v1/models/planted/versions/x:predict", {"instances": [None]}, 404, "must be a whole number"),
    ("/v1/models/planted:explode", {"instances": [None]}, 405, "nothing to be had here by this method"),
    ("/v1/nothing", {"instances": [None]}, 404, "there is no such address"),
]


def test_what_cannot_be_asked_is_a_problem(program: Program) -> None:
    """With its true reason and a remedy, and never a page for people."""
    for path, body, status, named in REFUSED:
        answer = program.post(path, body)
        assert (answer.status, answer.headers["content-type"]) == (status, PROBLEM), answer
        assert named in answer.json["detail"], answer.json
        assert answer.json["remedy"]
        assert answer.json["status"] == status


def test_who_may_not_is_told_as_a_program(program: Program) -> None:
    """Without a login, and where another site has a browser send it; health needs none."""
    for headers in ({"authorization": ""}, {"authorization": "Bearer x"}):
        assert program.get("/v1/models", **headers).status == 401
    program.authorization = basic("anna", SECRET)  # which a browser adds by itself, and a token it does not
    forged = {"origin": "https://elsewhere.example"}, {"sec_fetch_site": "cross-site"}
    for one in forged:
        assert program.post(EXPLAIN, {"instances": [None]}, **one).status == 403
    assert program.post(EXPLAIN, b"x=1", content_type="text/plain").status == 415
    assert program.ask("DELETE", "/v1/jobs/1", None).status == 405
    assert program.get("/v2/health/live", authorization="").json == {"live": True}
    assert program.get("/v2/health/ready", authorization="").json == {"ready": True}


def test_models_are_listed_with_what_they_can_be_asked(program: Program) -> None:
    """By KServe's shapes, and no recipe that would be refused."""
    assert program.get("/v1/models").json == {"models": ["planted"]}
    told = program.get("/v1/models/planted").json
    assert (told["name"], told["ready"]) == ("planted", True)
    assert told["versions"][0]["labels"] == ["yes", "no"]
    assert "default" in told["versions"][0]["recipes"]
    assert program.get("/v1/models/nobody").status == 404


def test_there_is_a_limit_to_what_is_read_at_once() -> None:
    """Who finds no place is told when to come again; a place is free again whatever became of who had it."""
    slots = Slots(1)
    with pytest.raises(RuntimeError), slots.one():
        raise RuntimeError
    with slots.one(), pytest.raises(Problem) as refused, slots.one():
        pass
    assert (refused.value.status, refused.value.headers) == (429, {"retry-after": "1"})


def test_a_job_goes_with_its_photographs_and_with_its_audit(desk: Desk, program: Program, blobs: Path) -> None:
    """What was asked is forgotten with what it was asked of; the answer stays for whoever else wants it."""
    desk.photographs("a", "b")
    for asked in (("a",), ("a", "b")):
        program.post(EXPLAIN, {"instances": [{"photograph": sha(one)} for one in asked]})
        work(desk)
    with desk.engine.begin() as c:
        c.exec_driver_sql("DELETE FROM audit WHERE id = 1")
    assert [program.get(f"/v1/jobs/{number}").status for number in (1, 2)] == [404, 200]
    assert program.post(EXPLAIN, {"instances": [{"photograph": sha("a")}]}).status == 200
    ImagesRemoval(desk.engine, FolderBlobs(blobs), "b").carry_out(act("images remove", "anna"))
    assert program.get("/v1/jobs/2").status == 404
    assert sha("b") not in str(desk.value("SELECT string_agg(selection, ' ') FROM audit"))


def test_the_document_is_openapi(program: Program) -> None:
    """Its form is right, every reference leads somewhere, and it names no page for people."""
    document = program.document
    OpenAPI.model_validate(document)
    names = set(document["components"]["schemas"])
    referred = {part.partition('"')[0] for part in json.dumps(document).split('"#/components/schemas/')[1:]}
    assert referred <= names
    assert all(path.startswith(("/v1/", "/v2/")) for path in document["paths"])
    assert document["paths"]["/v1/models/{name}:explain"]["post"]["requestBody"]


VERBS = ("/v1/models/planted:", "/v1/models/planted/versions/1:")


def test_every_documented_answer_occurs(
    desk: Desk, program: Program, reader: Program, blobs: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    """Each status that the document has of each address is one that somebody gets; the last is for Postgres away."""
    explained(desk, "a")
    scene = Scene(*(np.zeros(shape, kind) for shape, kind in (((8, 8, 3), "u1"), ((8, 8), "i4"), ((8, 8, 3), "u1"))))
    FolderBlobs(blobs).put(scene_key("scene"), pack(scene))
    reader.seen = program.seen
    key = desk.value("SELECT key FROM explanation")
    gets = ["/v1/models", "/v1/models/planted", "/v1/models/x", "/v1/jobs/1", "/v1/jobs/9", "/v2/health/live"]
    gets += ["/v2/health/ready", f"/v1/explanations/{key}/segments.png", "/v1/explanations/x/segments.png"]
    known, new = {"instances": [{"photograph": sha("a")}]}, {"instances": [image(PICTURE)]}
    for number, verb in enumerate(one + verb for one in VERBS for verb in ("explain", "predict")):
        assert program.post(verb, known).status == 200
        assert reader.post(verb, {"instances": [image(png(np.full((8, 8, 3), 200 + number, "u1")))]}).status == 403
        assert program.post(verb, {"instances": [image(png(np.full((8, 8, 3), number, "u1")))]}).status == 202
        assert program.post(verb.replace("planted", "x"), known).status == 404
        assert program.post(verb, known, authorization="").status == 401
        assert program.post(verb, known, content_type="text/csv").status == 415
        assert program.post(verb, {"instances": [None]}).status == 422
        assert program.post(verb, {}).status == 400
        assert program.post(verb, known, content_length=str(MOST_BYTES + 1)).status == 413
        with monkeypatch.context() as m:
            m.setattr(asking, "MOST_JOBS", 0)
            assert program.post(verb, new).status == 429
            m.setattr(routes, "READ_SECONDS", 0.05)
            assert program.post(verb, known, content_length="1000").status == 408
    for path in gets:
        program.get(path)
        program.get(path, authorization="")
    with unreachable(postgres_url, desk.engine):
        for path in gets:
            assert program.get(path).status == reader.get(path).status
        for verb in (one + verb for one in VERBS for verb in ("explain", "predict")):
            program.post(verb, known)
    documented = {
        (method.upper(), path, int(status))
        for path, ways in program.document["paths"].items()
        for method, way in ways.items()
        for status in way["responses"]
    }
    assert documented - program.seen == set()


@contextmanager
def unreachable(postgres_url: str, engine: Engine) -> Iterator[None]:
    """A database that lets nobody in, for as long as the block lasts."""
    name = engine.url.database
    with engine_of(postgres_url) as server, server.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        c.exec_driver_sql(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        c.exec_driver_sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608
        yield
        c.exec_driver_sql(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def test_a_selection_names_several_photographs(desk: Desk) -> None:
    """By the beginnings of their digests; and one that is removed is named by no selection and no job."""
    desk.photographs("a", "b", "c")
    archive = Archive(desk.engine, FolderBlobs(Path("nowhere")))
    assert {one.name for one in archive.select(f"sha256:{sha('a')},{sha('c')[:12].upper()}")} == {"a", "c"}
    with pytest.raises(ValueError, match="has no digits"):
        condition("sha256:ab,")
